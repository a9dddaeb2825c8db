import type { Account } from '../../accounts/index.ts'
import type { Asked } from '../../factors/index.ts'
import { tellOwner } from '../../mail/index.ts'
import { mailCode } from '../../methods/mail-code.ts'
import type { Pds } from '../../parts.ts'
import { codeRates } from '../../rates.ts'
import {
  type FormVisit,
  html,
  latin,
  type Page,
  redirect,
  type View,
  type Visit,
} from '../index.ts'
import { enter, keptStep, onward } from './entering.ts'
import { PASSKEY_SCRIPT, passkeyForm } from './passkey-form.ts'

type Parts = Pick<
  Pds,
  'accounts' | 'codes' | 'devices' | 'factors' | 'mail' | 'now' | 'passkeys' | 'sealer' | 'signIns'
>

const words = {
  ar: {
    title: 'خطوة ثانية',
    lead: 'كلمة المرور صحيحة. بقي أن نتأكد أنك أنت:',
    app: 'افتح تطبيق الرموز واكتب الرمز المكوّن من ستة أرقام.',
    mailed: 'أرسلنا رمزًا إلى بريدك، ويصلح ربع ساعة.',
    mail: 'أرسل رمزًا إلى بريدي',
    code: 'الرمز',
    codeHint: 'أو واحد من رموزك الاحتياطية.',
    recovery: 'رمز احتياطي',
    trust: 'لا تسأل عن هذه الخطوة على هذا الجهاز مدة ثلاثين يومًا',
    go: 'دخول',
    or: 'أو',
    passkey: 'استعمل مفتاح المرور',
    wrong: 'هذا الرمز غير صحيح، أو انتهى وقته.',
    wrongText: 'راجعه، أو اطلب رمزًا جديدًا.',
    other: 'الدخول بحساب آخر',
  },
  en: {
    title: 'One more step',
    lead: 'The password is right. We only have to make sure that it is you:',
    app: 'Open your authenticator app and type the code of six digits.',
    mailed: 'We sent a code to your email. It is good for a quarter of an hour.',
    mail: 'Send a code to my email',
    code: 'Code',
    codeHint: 'Or one of your recovery codes.',
    recovery: 'Recovery code',
    trust: 'Do not ask for this on this device for thirty days',
    go: 'Sign in',
    or: 'or',
    passkey: 'Use a passkey',
    wrong: 'This code is not right, or its time is over.',
    wrongText: 'Look at it again, or ask for a new one.',
    other: 'Sign in with another account',
  },
}

const PATH = '/account/second-step'
const purposeFor = ({ did }: Account) => `second step ${did}`

/** What is asked for after a password: a code, or a passkey. */
export const secondStepPage = (pds: Parts): Page => ({
  path: PATH,
  async get(visit) {
    const account = await keptStep(pds, visit)
    if (!account) return redirect(onward('/account/sign-in', visit))
    const asked = await pds.factors.asked(account)
    return show(pds, visit, account, asked)
  },
  post: (visit) => take(pds, visit),
})

async function take(pds: Parts, visit: FormVisit) {
  const account = await keptStep(pds, visit)
  if (!account) return redirect(onward('/account/sign-in', visit))
  const asked = await pds.factors.asked(account)
  const { form } = visit
  if (form.has('mail') && asked.kinds.has('email')) {
    await mailCode(pds, account, 'sign-in', visit.request)
    return redirect(`${onward(PATH, visit)}&mailed=1`)
  }
  await visit.limit(codeRates, {})
  const proved = form.has('answer')
    ? await byPasskey(pds, visit, account)
    : await byCode(pds, visit, account)
  if (!proved) return show(pds, visit, account, asked, true)
  return enter(pds, visit, account, { how: `password ${proved}`, trust: form.has('trust') })
}

async function byCode(pds: Parts, visit: FormVisit, account: Account): Promise<string | undefined> {
  const found = await pds.factors.check(account, visit.form.text('code', 100))
  if (found.kind) return found.kind
  const signIn = { place: 'page', how: 'password', outcome: 'refused' } as const
  await pds.signIns.note(account.did, visit.request, signIn)
  if (found.tell) await tellOwner(pds, account, 'notice-wrong-codes', visit.request)
  return undefined
}

async function byPasskey(pds: Parts, visit: FormVisit, account: Account) {
  const [answer, kept] = [visit.form.raw('answer', 20_000), visit.form.raw('kept')]
  const passkey = await pds.factors.passkey(pds.passkeys.named(answer) ?? '')
  if (passkey?.did !== account.did) return undefined
  const count = await pds.passkeys.proved(visit.device, purposeFor(account), passkey, answer, kept)
  if (count === undefined || !(await pds.factors.usePasskey(passkey, count))) return undefined
  return 'passkey'
}

async function show(
  pds: Parts,
  visit: Visit,
  account: Account,
  { kinds }: Asked,
  isWrong = false,
): Promise<View> {
  const w = visit.words(words)
  const known = kinds.has('passkey') ? await pds.factors.passkeys(account.did) : []
  const hasCodes = kinds.has('totp') || kinds.has('email')
  const trust = html`<label class="check"><input type="checkbox" name="trust" value="1"><span>${w.trust}</span></label>`
  const action = onward(PATH, visit)
  return {
    title: w.title,
    status: isWrong ? 400 : 200,
    ...(known.length > 0 && { scripts: [PASSKEY_SCRIPT] }),
    body: html`<h1>${w.title}</h1>
<p class="lead">${w.lead} ${latin(`@${account.handle}`)}</p>
${isWrong && html`<div class="notice" data-tone="bad" role="alert"><strong>${w.wrong}</strong><br>${w.wrongText}</div>`}
${visit.query.has('mailed') && html`<p class="notice">${w.mailed}</p>`}
${known.length > 0 && html`${passkeyForm(visit, pds.passkeys.request(visit.device, purposeFor(account), known), { kind: 'use', action, button: w.passkey })}<p class="or">${w.or}</p>`}
<form method="post" action="${action}" class="form">${visit.token}
<div class="field"><label for="code">${hasCodes ? w.code : w.recovery}</label>
<input class="input code" id="code" name="code" dir="ltr" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" required maxlength="40" autofocus>
${hasCodes && html`<p class="hint">${kinds.has('totp') && w.app} ${w.codeHint}</p>`}</div>
${trust}
<button class="button wide-button">${w.go}</button>
</form>
${kinds.has('email') && html`<form method="post" action="${action}">${visit.token}<button class="button quiet wide-button" name="mail" value="1">${w.mail}</button></form>`}
<p class="quiet-text"><a href="${onward('/account/sign-in', visit)}">${w.other}</a></p>`,
  }
}
