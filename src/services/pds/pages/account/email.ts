import { XrpcError } from '#protocol/xrpc'
import { tellOwner } from '../../mail/index.ts'
import { requireEmail } from '../../methods/email.ts'
import { mailCode } from '../../methods/mail-code.ts'
import type { Pds } from '../../parts.ts'
import { codeRates } from '../../rates.ts'
import { type FormVisit, html, latin, type Page, redirect, type Visit } from '../index.ts'
import { doneText, framed, type Told } from './frame.ts'
import { type Owner, requireFresh } from './require-account.ts'

type Parts = Pick<Pds, 'accounts' | 'codes' | 'devices' | 'factors' | 'mail' | 'now'>

const words = {
  ar: {
    title: 'البريد',
    lead: 'إليه تصل الرموز وأخبار حسابك، ولا يراه أحد.',
    now: 'بريدك الآن',
    none: 'لا بريد لحسابك بعد.',
    confirm: 'لم يُؤكد هذا البريد بعد. نرسل إليه رمزًا، ثم تكتبه هنا.',
    send: 'أرسل رمزًا',
    code: 'الرمز',
    confirmGo: 'أكّد',
    confirmed: 'مؤكد',
    another: 'بريد آخر',
    first: 'يلزم رمز من البريد الحالي قبل تغييره.',
    change: 'غيّره',
    oldCode: 'الرمز الذي وصل إلى بريدك الحالي',
    done: {
      sent: 'أرسلنا الرمز، ويصلح ربع ساعة.',
      confirmed: 'صار بريدك مؤكدًا.',
      changed: 'تغير بريدك. أكّد الجديد الآن.',
    },
    wrong: 'الرمز غير صحيح أو انتهى وقته.',
    bad: 'هذا العنوان لا يصلح، أو هو لحساب آخر.',
  },
  en: {
    title: 'Email',
    lead: 'Codes and news of your account go there. Nobody sees it.',
    now: 'Your email now',
    none: 'Your account has no email yet.',
    confirm: 'This address is not confirmed yet. A code goes there, and you type it here.',
    send: 'Send a code',
    code: 'Code',
    confirmGo: 'Confirm',
    confirmed: 'confirmed',
    another: 'Another email',
    first: 'Changing it takes a code from the present address.',
    change: 'Change it',
    oldCode: 'The code that came to your present email',
    done: {
      sent: 'The code was sent. It is good for a quarter of an hour.',
      confirmed: 'Your email is confirmed.',
      changed: 'Your email was changed. Confirm the new one now.',
    },
    wrong: 'The code is not right, or its time is over.',
    bad: 'This address is not possible, or another account has it.',
  },
}

const PATH = '/account/email'

/** The account's address: confirmed, changed. */
export const emailPage = (pds: Parts): Page => ({
  path: PATH,
  async get(visit) {
    const owner = await requireFresh(pds, visit)
    return 'redirect' in owner ? owner : show(visit, owner)
  },
  async post(visit) {
    const owner = await requireFresh(pds, visit)
    if ('redirect' in owner) return owner
    await visit.limit(codeRates, {})
    const w = visit.words(words)
    try {
      return redirect(`${PATH}?done=${await change(pds, visit, owner)}`)
    } catch (error) {
      if (!(error instanceof XrpcError) || error.status !== 400) throw error
      const isCode = error.error === 'InvalidToken' || error.error === 'ExpiredToken'
      return show(visit, owner, { tone: 'bad', text: isCode ? w.wrong : w.bad })
    }
  },
})

async function change(pds: Parts, visit: FormVisit, { account }: Owner): Promise<string> {
  const { form, request } = visit
  const { did, email: before } = account
  const isConfirmed = account.emailConfirmedMs !== undefined
  if (form.has('send')) {
    await mailCode(pds, account, isConfirmed ? 'update-email' : 'confirm-email', request)
    return 'sent'
  }
  if (form.has('confirm') && before !== undefined) {
    await pds.codes.use(did, 'confirm-email', form.text('code', 40))
    await pds.accounts.setEmail(did, before, pds.now())
    return 'confirmed'
  }
  const email = requireEmail(form.text('email', 254))
  if (email === before) return 'changed'
  if (isConfirmed) await pds.codes.use(did, 'update-email', form.text('code', 40))
  // Codes go to an address that was confirmed, or nowhere.
  const mailed = (await pds.factors.list(did)).find(({ kind }) => kind === 'email')
  await pds.accounts.setEmail(did, email, undefined)
  if (mailed) await pds.factors.remove(did, mailed.id)
  await tellOwner(pds, account, 'notice-email', request, before)
  return 'changed'
}

function show(visit: Visit, owner: Owner, told?: Told) {
  const w = visit.words(words)
  const { email, emailConfirmedMs } = owner.account
  const isConfirmed = emailConfirmedMs !== undefined
  const code = (label: string) =>
    html`<div class="field"><label for="code">${label}</label><input class="input code" id="code" name="code" dir="ltr" autocomplete="one-time-code" spellcheck="false" required maxlength="40"></div>`
  const send = html`<form method="post" action="${PATH}">${visit.token}<button class="button quiet" name="send" value="1">${w.send}</button></form>`
  return framed(visit, owner, {
    title: w.title,
    lead: w.lead,
    told: told ?? doneText(visit, w.done),
    body: html`<p>${email ? html`${w.now}: ${latin(email)} ${isConfirmed && html`<span class="mark" data-tone="good">${w.confirmed}</span>`}` : w.none}</p>
${
  email !== undefined &&
  !isConfirmed &&
  html`<section><p>${w.confirm}</p>${send}
<form method="post" class="form" action="${PATH}">${visit.token}${code(w.code)}<div><button class="button" name="confirm" value="1">${w.confirmGo}</button></div></form></section>`
}
<section><h2>${w.another}</h2>${isConfirmed && html`<p class="hint">${w.first}</p>${send}`}
<form method="post" class="form" action="${PATH}">${visit.token}
<div class="field"><label for="email">${w.another}</label><input class="input" id="email" name="email" type="email" dir="ltr" autocomplete="email" required maxlength="254"></div>
${isConfirmed && code(w.oldCode)}
<div><button class="button quiet">${w.change}</button></div></form></section>`,
  })
}
