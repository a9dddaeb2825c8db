import { type Account, isHeldBack } from '../../accounts/index.ts'
import { mailCode } from '../../methods/mail-code.ts'
import { MOVE_HERE_PATH } from '../../moves/index.ts'
import type { Pds } from '../../parts.ts'
import { signInAddressRates, signInRates } from '../../rates.ts'
import { findAccount } from '../../sign-in/index.ts'
import { type FormVisit, html, type Page, redirect, type View, type Visit } from '../index.ts'
import { enter, keepStep, onward } from './entering.ts'
import { PASSKEY_SCRIPT, passkeyForm } from './passkey-form.ts'
import { ENROLLING } from './require-account.ts'

type Parts = Pick<
  Pds,
  | 'accounts'
  | 'codes'
  | 'devices'
  | 'factors'
  | 'host'
  | 'mail'
  | 'now'
  | 'passkeys'
  | 'passwords'
  | 'sealer'
  | 'signIns'
>

const words = {
  ar: {
    title: 'الدخول',
    lead: 'ادخل إلى حسابك عند هذا المضيف.',
    name: 'اسم الحساب أو البريد',
    password: 'كلمة المرور',
    go: 'دخول',
    or: 'أو',
    passkey: 'الدخول بمفتاح مرور',
    wrong: 'الاسم أو كلمة المرور غير صحيحة.',
    wrongText: 'راجعهما وحاول مرة أخرى. كلمات مرور التطبيقات لا تفتح هذه الصفحات.',
    key: 'لم نعرف مفتاح المرور هذا.',
    keyText: 'ربما أُزيل من الحساب، أو انتظرت الصفحة طويلًا. حاول ثانية، أو ادخل بكلمة المرور.',
    down: 'أوقف المضيف هذا الحساب.',
    downText: 'تواصل مع إدارته لتعرف السبب.',
    forgot: 'نسيت كلمة المرور؟',
    elsewhere: 'حسابك عند مضيف آخر؟ انتقل به إلى هنا',
  },
  en: {
    title: 'Sign in',
    lead: 'Sign in to your account at this host.',
    name: 'Handle or email',
    password: 'Password',
    go: 'Sign in',
    or: 'or',
    passkey: 'Sign in with a passkey',
    wrong: 'The name or the password is not right.',
    wrongText: 'Look at both and try again. App passwords do not open these pages.',
    key: 'We do not know this passkey.',
    keyText:
      'It may have been removed from the account, or this page waited too long. Try again, or use the password.',
    down: 'The host has taken this account down.',
    downText: 'Ask its operators for the reason.',
    forgot: 'Forgot your password?',
    elsewhere: 'Your account is at another host? Move it here',
  },
}

const NAME_MAX = 300
const PASSWORD_MAX = 512
/** What a passkey's challenge is for. */
const PURPOSE = 'sign-in'

/** Signing in with a password, then going on to `return`, a path of this host. */
export const signInPage = (pds: Parts): Page => ({
  path: '/account/sign-in',
  get: (visit) => show(pds, visit, { name: (visit.query.get('hint') ?? '').slice(0, NAME_MAX) }),
  post: (visit) => signIn(pds, visit),
})

async function signIn(pds: Parts, visit: FormVisit) {
  const name = visit.form.text('name', NAME_MAX)
  const password = visit.form.raw('password', PASSWORD_MAX)
  await visit.limit(signInAddressRates, {})
  await visit.limit(signInRates, { input: { identifier: name } })
  const account = await findAccount(pds.accounts, whole(pds, name))
  // The same work and the same words for who does not exist.
  const proof = await pds.passwords.check(account, password)
  if (!account || !proof || proof.appPassword) {
    if (account && !proof) pds.signIns.noteWrongPassword(account.did, visit.request, 'page')
    return show(pds, visit, { name, problem: 'wrong' })
  }
  if (isHeldBack(account)) return show(pds, visit, { name, problem: 'down' })
  return afterPassword(pds, visit, account)
}

async function afterPassword(pds: Parts, visit: FormVisit, account: Account) {
  const { kinds, isMissing } = await pds.factors.asked(account)
  if (isMissing) {
    return enter(pds, visit, account, { how: 'password', to: onward(ENROLLING, visit) })
  }
  if (kinds.size === 0 || (await pds.devices.isTrusted(visit.device, account.did))) {
    return enter(pds, visit, account, { how: 'password' })
  }
  keepStep(pds, visit, account)
  const next = onward('/account/second-step', visit)
  // Where nothing but a letter can help, it is on its way before anybody has to ask.
  if (!kinds.has('email') || kinds.size > 1) return redirect(next)
  await mailCode(pds, account, 'sign-in', visit.request)
  return redirect(`${next}&mailed=1`)
}

/** A name without a dot is one of ours. */
function whole({ host }: Parts, name: string): string {
  const domain = host.handleDomains[0]
  return /[.@:]/.test(name.slice(1)) || !domain ? name : `${name}${domain}`
}

/** Signing in with a passkey alone: what one has, and what the authenticator asked for. */
export const passkeySignInPage = (pds: Parts): Page => ({
  path: '/account/sign-in/passkey',
  get: (visit) => redirect(onward('/account/sign-in', visit)),
  async post(visit) {
    await visit.limit(signInAddressRates, {})
    const [answer, kept] = [visit.form.raw('answer', 20_000), visit.form.raw('kept')]
    const passkey = await pds.factors.passkey(pds.passkeys.named(answer) ?? '')
    const account = passkey && (await pds.accounts.get(passkey.did))
    if (!passkey || !account) return show(pds, visit, { name: '', problem: 'key' })
    const count = await pds.passkeys.proved(visit.device, PURPOSE, passkey, answer, kept)
    if (count === undefined || !(await pds.factors.usePasskey(passkey, count))) {
      return show(pds, visit, { name: '', problem: 'key' })
    }
    if (isHeldBack(account)) return show(pds, visit, { name: '', problem: 'down' })
    return enter(pds, visit, account, { how: 'passkey' })
  },
})

type Problem = 'wrong' | 'down' | 'key'

function show(
  pds: Parts,
  visit: Visit,
  { name, problem }: { name: string; problem?: Problem },
): View {
  const w = visit.words(words)
  const ceremony = pds.passkeys.request(visit.device, PURPOSE)
  return {
    title: w.title,
    status: problem ? 400 : 200,
    scripts: [PASSKEY_SCRIPT],
    body: html`<h1>${w.title}</h1>
${problem ? html`<div class="notice" data-tone="bad" role="alert"><strong>${w[problem]}</strong><br>${w[`${problem}Text`]}</div>` : html`<p class="lead">${w.lead}</p>`}
<form method="post" action="${onward('/account/sign-in', visit)}" class="form">${visit.token}
<div class="field"><label for="name">${w.name}</label>
<input class="input" id="name" name="name" value="${name}" dir="ltr" autocomplete="username webauthn" autocapitalize="none" spellcheck="false" required maxlength="${NAME_MAX}"${name === '' && html` autofocus`}></div>
<div class="field"><label for="password">${w.password}</label>
<input class="input" id="password" name="password" type="password" dir="auto" autocomplete="current-password" required maxlength="${PASSWORD_MAX}"${name !== '' && html` autofocus`}></div>
<button class="button wide-button">${w.go}</button>
</form>
${passkeyForm(visit, ceremony, { kind: 'use', action: onward('/account/sign-in/passkey', visit), fields: html`<p class="or">${w.or}</p>`, button: w.passkey, isQuiet: true })}
<p class="quiet-text"><a href="/account/forgotten">${w.forgot}</a></p>
<p class="quiet-text"><a href="${MOVE_HERE_PATH}">${w.elsewhere}</a></p>`,
  }
}
