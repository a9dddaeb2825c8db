import { XrpcError } from '#protocol/xrpc'
import { tellOwner } from '../../mail/index.ts'
import { endSignIns } from '../../methods/end-sign-ins.ts'
import { mailCode } from '../../methods/mail-code.ts'
import { requirePassword } from '../../methods/password.ts'
import type { Pds } from '../../parts.ts'
import { codeRates, resetRates } from '../../rates.ts'
import { type FormVisit, html, type Page, redirect, type View, type Visit } from '../index.ts'

type Parts = Pick<Pds, 'accounts' | 'codes' | 'devices' | 'mail' | 'passwords' | 'sessions'>

const words = {
  ar: {
    title: 'كلمة مرور جديدة',
    lead: 'اكتب بريد حسابك، ونرسل إليه رمزًا تختار به كلمة مرور جديدة.',
    email: 'البريد',
    send: 'أرسل الرمز',
    sent: 'إن كان هذا بريد حساب عندنا فالرمز في الطريق إليه.',
    code: 'الرمز',
    fresh: 'كلمة مرور جديدة',
    go: 'غيّرها',
    have: 'عندي رمز',
    wrong: 'الرمز غير صحيح أو انتهى وقته.',
    bad: 'اختر كلمة مرور من ثمانية أحرف إلى مئتين وستة وخمسين.',
    back: 'إلى الدخول',
  },
  en: {
    title: 'A new password',
    lead: 'Type the email of your account. A code goes there, with which you choose a new password.',
    email: 'Email',
    send: 'Send the code',
    sent: 'If this is the email of an account here, the code is on its way.',
    code: 'Code',
    fresh: 'New password',
    go: 'Change it',
    have: 'I have a code',
    wrong: 'The code is not right, or its time is over.',
    bad: 'Choose a password of 8 to 256 characters.',
    back: 'To the sign-in',
  },
}

const PATH = '/account/forgotten'

/** A new password for who forgot theirs, by a mailed code. Nothing tells which addresses are known. */
export const forgottenPage = (pds: Parts): Page => ({
  path: PATH,
  get: (visit) => show(visit),
  post: (visit) => (visit.form.has('email') ? ask(pds, visit) : change(pds, visit)),
})

async function ask(pds: Parts, visit: FormVisit) {
  const email = visit.form.text('email', 254)
  await visit.limit(codeRates, {})
  await visit.limit(resetRates, { input: { email } })
  const account = await pds.accounts.byEmail(email)
  // The limits of an account and of its letters would tell that it exists.
  if (account) await mailCode(pds, account, 'reset-password', visit.request).catch(ignoreLimit)
  return redirect(`${PATH}?sent=1`)
}

async function change(pds: Parts, visit: FormVisit) {
  const w = visit.words(words)
  await visit.limit(codeRates, {})
  const given = visit.form.raw('password')
  try {
    requirePassword(given)
  } catch (error) {
    if (!(error instanceof XrpcError)) throw error
    return show(visit, w.bad)
  }
  const did = await pds.codes
    .useWhoever('reset-password', visit.form.text('code', 40))
    .catch((error: unknown) => {
      if (error instanceof XrpcError && error.status === 400) return undefined
      throw error
    })
  const account = did && (await pds.accounts.get(did))
  if (!account) return show(visit, w.wrong)
  await pds.accounts.setPassword(account.did, await pds.passwords.hash(given))
  await endSignIns(pds, account.did)
  await tellOwner(pds, account, 'notice-password', visit.request)
  return redirect(`/account/sign-in?${new URLSearchParams({ hint: account.handle })}`)
}

function ignoreLimit(error: unknown): void {
  if (!(error instanceof XrpcError) || error.status !== 429) throw error
}

function show(visit: Visit, problem?: string): View {
  const w = visit.words(words)
  const hasCode = problem !== undefined || visit.query.has('sent') || visit.query.has('code')
  return {
    title: w.title,
    status: problem ? 400 : 200,
    body: html`<h1>${w.title}</h1>
${problem && html`<p class="notice" data-tone="bad" role="alert">${problem}</p>`}
${!problem && visit.query.has('sent') && html`<p class="notice" role="status">${w.sent}</p>`}
${
  hasCode
    ? html`<form method="post" class="form" action="${PATH}">${visit.token}
<div class="field"><label for="code">${w.code}</label><input class="input code" id="code" name="code" dir="ltr" autocomplete="one-time-code" autocapitalize="characters" spellcheck="false" required maxlength="40" autofocus></div>
<div class="field"><label for="password">${w.fresh}</label><input class="input" id="password" name="password" type="password" dir="auto" autocomplete="new-password" required minlength="8" maxlength="256"></div>
<button class="button wide-button">${w.go}</button></form>`
    : html`<p class="lead">${w.lead}</p><form method="post" class="form" action="${PATH}">${visit.token}
<div class="field"><label for="email">${w.email}</label><input class="input" id="email" name="email" type="email" dir="ltr" autocomplete="email" required maxlength="254" autofocus></div>
<button class="button wide-button">${w.send}</button></form>
<p class="quiet-text"><a href="${PATH}?code=1">${w.have}</a></p>`
}
<p class="quiet-text"><a href="/account/sign-in">${w.back}</a></p>`,
  }
}
