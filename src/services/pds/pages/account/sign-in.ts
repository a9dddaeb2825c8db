import { type Account, isHeldBack } from '../../accounts/index.ts'
import type { Pds } from '../../parts.ts'
import { signInAddressRates, signInRates } from '../../rates.ts'
import { findAccount } from '../../sign-in/index.ts'
import {
  type FormVisit,
  html,
  localPath,
  type Page,
  redirect,
  type View,
  type Visit,
} from '../index.ts'

type Parts = Pick<Pds, 'accounts' | 'devices' | 'host' | 'passwords'>

const words = {
  ar: {
    title: 'الدخول',
    lead: 'ادخل إلى حسابك عند هذا المضيف.',
    name: 'اسم الحساب أو البريد',
    password: 'كلمة المرور',
    go: 'دخول',
    wrong: 'الاسم أو كلمة المرور غير صحيحة.',
    wrongText: 'راجعهما وحاول مرة أخرى. كلمة مرور التطبيقات لا تصلح هنا.',
    down: 'أوقف المضيف هذا الحساب. تواصل مع إدارته لتعرف السبب.',
    forgot: 'نسيت كلمة المرور؟',
  },
  en: {
    title: 'Sign in',
    lead: 'Sign in to your account at this host.',
    name: 'Handle or email',
    password: 'Password',
    go: 'Sign in',
    wrong: 'The name or the password is not right.',
    wrongText: 'Look at both and try again. An app password does not open these pages.',
    down: 'The host has taken this account down. Ask its operators for the reason.',
    forgot: 'Forgot your password?',
  },
}

const NAME_MAX = 300
const PASSWORD_MAX = 512

/** Signing in with a password, then going on to `return`, a path of this host. */
export const signInPage = (pds: Parts): Page => ({
  path: '/account/sign-in',
  get: (visit) => show(visit, { name: (visit.query.get('hint') ?? '').slice(0, NAME_MAX) }),
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
  if (!account || !proof || proof.appPassword) return show(visit, { name, problem: 'wrong' })
  if (isHeldBack(account)) return show(visit, { name, problem: 'down' })
  return enter(pds, visit, account)
}

async function enter(pds: Parts, visit: FormVisit, account: Account) {
  visit.device = await pds.devices.signIn(visit.device, account.did)
  return redirect(returnPath(visit))
}

/** A name without a dot is one of ours. */
function whole({ host }: Parts, name: string): string {
  const domain = host.handleDomains[0]
  return /[.@:]/.test(name.slice(1)) || !domain ? name : `${name}${domain}`
}

const returnPath = ({ query }: Visit) => localPath(query.get('return') ?? undefined, '/account')

function show(visit: Visit, { name, problem }: { name: string; problem?: 'wrong' | 'down' }): View {
  const w = visit.words(words)
  return {
    title: w.title,
    status: problem ? 400 : 200,
    body: html`<h1>${w.title}</h1>
${problem ? html`<div class="notice" data-tone="bad" role="alert"><strong>${w[problem]}</strong>${problem === 'wrong' && html`<br>${w.wrongText}`}</div>` : html`<p class="lead">${w.lead}</p>`}
<form method="post" class="form">${visit.token}
<div class="field"><label for="name">${w.name}</label>
<input class="input" id="name" name="name" value="${name}" dir="ltr" autocomplete="username webauthn" autocapitalize="none" spellcheck="false" required maxlength="${NAME_MAX}"${name === '' && html` autofocus`}></div>
<div class="field"><label for="password">${w.password}</label>
<input class="input" id="password" name="password" type="password" dir="auto" autocomplete="current-password" required maxlength="${PASSWORD_MAX}"${name !== '' && html` autofocus`}></div>
<button class="button wide-button">${w.go}</button>
</form>`,
  }
}
