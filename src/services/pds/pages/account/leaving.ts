import { XrpcError } from '#protocol/xrpc'
import { requireIdentityHere } from '../../methods/identity-here.ts'
import { mailCode } from '../../methods/mail-code.ts'
import type { Pds } from '../../parts.ts'
import { codeRates } from '../../rates.ts'
import { type FormVisit, html, latin, type Page, redirect, type Visit } from '../index.ts'
import { doneText, framed, type Told } from './frame.ts'
import { type Owner, requireFresh } from './require-account.ts'

type Parts = Pick<
  Pds,
  | 'accounts'
  | 'codes'
  | 'devices'
  | 'directory'
  | 'factors'
  | 'host'
  | 'mail'
  | 'now'
  | 'passwords'
  | 'plc'
  | 'standing'
>

const words = {
  ar: {
    title: 'إيقاف أو حذف',
    pause: 'إيقاف الحساب',
    pauseText: 'يختفي حسابك عن الناس، ويبقى هنا كل ما فيه حتى تعود.',
    pauseGo: 'أوقفه',
    paused: 'حسابك متوقف الآن، ولا يراه أحد.',
    resume: 'أعده',
    delete: 'حذف الحساب',
    deleteText: 'يُحذف كل ما هنا ولا يعود: منشوراتك وصورك وتفضيلاتك. خذ نسخة منها أولًا.',
    take: 'خذ كل ما لك',
    send: 'أرسل رمز الحذف إلى بريدي',
    code: 'رمز الحذف',
    password: 'كلمة المرور',
    deleteGo: 'احذف حسابي',
    noMail: 'أضف بريدًا لحسابك أولًا: لا حذف بلا رمز.',
    done: {
      sent: 'أرسلنا الرمز، ويصلح ربع ساعة.',
      paused: 'توقف حسابك.',
      resumed: 'عاد حسابك.',
    },
    wrong: 'الرمز أو كلمة المرور غير صحيحة. لم يُحذف شيء.',
    elsewhere: 'هويتك تدل على مضيف آخر الآن، فلا يعود الحساب من هنا.',
    goneTitle: 'حُذف حسابك',
    gone: 'انتهى كل ما كان هنا. شكرًا لأنك كنت معنا.',
  },
  en: {
    title: 'Pause or delete',
    pause: 'Pause the account',
    pauseText: 'Nobody sees your account any more. Everything stays here until you come back.',
    pauseGo: 'Pause it',
    paused: 'Your account is paused: nobody sees it.',
    resume: 'Bring it back',
    delete: 'Delete the account',
    deleteText:
      'Everything here goes and does not come back: posts, pictures, preferences. Take a copy first.',
    take: 'Take everything',
    send: 'Send the deletion code to my email',
    code: 'Deletion code',
    password: 'Password',
    deleteGo: 'Delete my account',
    noMail: 'Add an email to your account first: nothing is deleted without a code.',
    done: {
      sent: 'The code was sent. It is good for a quarter of an hour.',
      paused: 'Your account is paused.',
      resumed: 'Your account is back.',
    },
    wrong: 'The code or the password is not right. Nothing was deleted.',
    elsewhere: 'Your identity points to another host now, so the account does not come back here.',
    goneTitle: 'Your account is deleted',
    gone: 'Everything that was here has gone. Thank you for having been with us.',
  },
}

const PATH = '/account/leaving'

/** Taking the account off the network, bringing it back, and deleting it for good. */
export const leavingPage = (pds: Parts): Page => ({
  path: PATH,
  async get(visit) {
    const owner = await requireFresh(pds, visit)
    return 'redirect' in owner ? owner : show(visit, owner)
  },
  async post(visit) {
    const owner = await requireFresh(pds, visit)
    if ('redirect' in owner) return owner
    const { account } = owner
    await visit.limit(codeRates, {})
    if (visit.form.has('delete')) return remove(pds, visit, owner)
    if (visit.form.has('send')) {
      await mailCode(pds, account, 'delete-account', visit.request)
      return redirect(`${PATH}?done=sent`)
    }
    if (visit.form.has('resume')) return resume(pds, visit, owner)
    if (visit.form.has('pause') && account.status === 'active') {
      await pds.standing.deactivate(account, undefined)
    }
    return redirect(`${PATH}?done=paused`)
  },
})

async function resume(pds: Parts, visit: FormVisit, owner: Owner) {
  const { account } = owner
  try {
    await requireIdentityHere(pds, account)
  } catch (error) {
    if (!(error instanceof XrpcError) || error.status !== 400) throw error
    return show(visit, owner, { tone: 'bad', text: visit.words(words).elsewhere })
  }
  if (account.status === 'deactivated') await pds.standing.activate(account)
  return redirect(`${PATH}?done=resumed`)
}

/** The password and a mailed code together, as everywhere. */
async function remove(pds: Parts, visit: FormVisit, owner: Owner) {
  const { did } = owner.account
  const w = visit.words(words)
  const wrong = () => show(visit, owner, { tone: 'bad', text: w.wrong })
  const proof = await pds.passwords.check(owner.account, visit.form.raw('password', 512))
  if (!proof || proof.appPassword) return wrong()
  try {
    await pds.codes.use(did, 'delete-account', visit.form.text('code', 40))
  } catch (error) {
    if (!(error instanceof XrpcError) || error.status !== 400) throw error
    return wrong()
  }
  await pds.standing.delete(did)
  return { title: w.goneTitle, body: html`<h1>${w.goneTitle}</h1><p class="lead">${w.gone}</p>` }
}

function show(visit: Visit, owner: Owner, told?: Told) {
  const w = visit.words(words)
  const { status, email, handle } = owner.account
  const isActive = status === 'active'
  const button = (name: string, text: string, kind: string) =>
    html`<form method="post" action="${PATH}">${visit.token}<button class="button ${kind}" name="${name}" value="1">${text}</button></form>`
  return framed(visit, owner, {
    title: w.title,
    told: told ?? doneText(visit, w.done),
    body: html`<section><h2>${w.pause}</h2>
<p>${isActive ? w.pauseText : w.paused}</p>
${isActive ? button('pause', w.pauseGo, 'quiet') : button('resume', w.resume, '')}</section>
<section><h2>${w.delete}</h2><p>${w.deleteText}</p><p><a href="/account/export">${w.take}</a></p>
${
  email === undefined
    ? html`<p class="notice" data-tone="warm">${w.noMail}</p>`
    : html`${button('send', w.send, 'quiet')}
<form method="post" class="form" action="${PATH}">${visit.token}<p>${latin(`@${handle}`)}</p>
<div class="field"><label for="code">${w.code}</label><input class="input code" id="code" name="code" dir="ltr" autocomplete="one-time-code" spellcheck="false" required maxlength="40"></div>
<div class="field"><label for="password">${w.password}</label><input class="input" id="password" name="password" type="password" dir="auto" autocomplete="current-password" required maxlength="512"></div>
<div><button class="button danger" name="delete" value="1">${w.deleteGo}</button></div></form>`
}</section>`,
  })
}
