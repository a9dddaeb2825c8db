import type { Account } from '../../accounts/index.ts'
import type { Pds } from '../../parts.ts'
import { passwordRates, signInAddressRates } from '../../rates.ts'
import {
  type FormVisit,
  html,
  latin,
  type Page,
  redirect,
  type View,
  type Visit,
} from '../index.ts'
import { onward, returnPath } from './entering.ts'
import { PASSKEY_SCRIPT, passkeyForm } from './passkey-form.ts'
import { requireAccount } from './require-account.ts'

type Parts = Pick<
  Pds,
  'accounts' | 'devices' | 'factors' | 'now' | 'passkeys' | 'passwords' | 'signIns'
>

const words = {
  ar: {
    title: 'أكّد أنك أنت',
    lead: 'هذه الصفحة تغيّر أمورًا مهمة في حسابك، ومضى وقت منذ دخلت.',
    password: 'كلمة المرور',
    go: 'متابعة',
    or: 'أو',
    passkey: 'استعمل مفتاح المرور',
    wrong: 'لم يصح ذلك. حاول مرة أخرى.',
    cancel: 'رجوع',
  },
  en: {
    title: 'Confirm it is you',
    lead: 'This page changes important things of your account, and you signed in a while ago.',
    password: 'Password',
    go: 'Continue',
    or: 'or',
    passkey: 'Use a passkey',
    wrong: 'That was not right. Try again.',
    cancel: 'Back',
  },
}

const PATH = '/account/confirm'
const purposeFor = ({ did }: Account) => `confirm ${did}`

/** Asks again who it is, before what is dangerous. */
export const confirmPage = (pds: Parts): Page => ({
  path: PATH,
  async get(visit) {
    const owner = await requireAccount(pds, visit, { isForEnrolling: true })
    return 'redirect' in owner ? owner : show(pds, visit, owner.account)
  },
  async post(visit) {
    const owner = await requireAccount(pds, visit, { isForEnrolling: true })
    if ('redirect' in owner) return owner
    const { account } = owner
    await visit.limit(signInAddressRates, {})
    await visit.limit(passwordRates, { caller: account })
    const isThem = visit.form.has('answer')
      ? await byPasskey(pds, visit, account)
      : await byPassword(pds, visit, account)
    if (!isThem) return show(pds, visit, account, true)
    visit.device = await pds.devices.confirm(visit.device, account.did)
    return redirect(returnPath(visit))
  },
})

async function byPassword(
  { passwords, signIns }: Parts,
  { form, request }: FormVisit,
  account: Account,
) {
  const proof = await passwords.check(account, form.raw('password', 512))
  if (!proof) signIns.noteWrongPassword(account.did, request, 'page')
  return proof !== undefined && proof.appPassword === undefined
}

async function byPasskey(pds: Parts, visit: FormVisit, account: Account): Promise<boolean> {
  const [answer, kept] = [visit.form.raw('answer', 20_000), visit.form.raw('kept')]
  const passkey = await pds.factors.passkey(pds.passkeys.named(answer) ?? '')
  if (passkey?.did !== account.did) return false
  const count = await pds.passkeys.proved(visit.device, purposeFor(account), passkey, answer, kept)
  return count !== undefined && (await pds.factors.usePasskey(passkey, count))
}

async function show(pds: Parts, visit: Visit, account: Account, isWrong = false): Promise<View> {
  const w = visit.words(words)
  const known = await pds.factors.passkeys(account.did)
  const action = onward(PATH, visit)
  return {
    title: w.title,
    status: isWrong ? 400 : 200,
    ...(known.length > 0 && { scripts: [PASSKEY_SCRIPT] }),
    body: html`<h1>${w.title}</h1>
${isWrong ? html`<p class="notice" data-tone="bad" role="alert">${w.wrong}</p>` : html`<p class="lead">${w.lead}</p>`}
<p>${latin(`@${account.handle}`)}</p>
<form method="post" action="${action}" class="form">${visit.token}
<input type="hidden" name="username" value="${account.handle}" autocomplete="username">
<div class="field"><label for="password">${w.password}</label>
<input class="input" id="password" name="password" type="password" dir="auto" autocomplete="current-password" required maxlength="512" autofocus></div>
<button class="button wide-button">${w.go}</button></form>
${known.length > 0 && passkeyForm(visit, pds.passkeys.request(visit.device, purposeFor(account), known), { kind: 'use', action, fields: html`<p class="or">${w.or}</p>`, button: w.passkey, isQuiet: true })}
<p class="quiet-text"><a href="/account">${w.cancel}</a></p>`,
  }
}
