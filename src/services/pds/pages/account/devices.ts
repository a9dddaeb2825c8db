import type { Pds } from '../../parts.ts'
import { type FormVisit, html, latin, type Page, redirect, type Visit } from '../index.ts'
import { day, doneText, framed, when } from './frame.ts'
import { type Owner, requireAccount } from './require-account.ts'

type Parts = Pick<Pds, 'accounts' | 'devices' | 'factors' | 'signIns'>

const words = {
  ar: {
    title: 'الأجهزة وسجل الدخول',
    lead: 'المتصفحات التي دخلت منها إلى هذه الصفحات.',
    unknown: 'متصفح لا يذكر اسمه',
    here: 'هذا المتصفح',
    open: 'داخل الآن',
    out: 'خارج',
    trusted: 'لا تُطلب منه الخطوة الثانية حتى',
    seen: 'آخر ظهور',
    forget: 'أخرجه وانسه',
    all: 'أخرج الأجهزة الأخرى كلها',
    history: 'سجل الدخول',
    historyText:
      'آخر مئة دخول في تسعين يومًا، وما لم ينجح من المحاولات. إن دخل أحد ولم يكن أنت فغيّر كلمة المرور.',
    page: 'هذه الصفحات',
    app: 'تطبيق',
    'app-password': 'تطبيق بكلمة مروره',
    refused: 'رمز خاطئ',
    'wrong-password': 'كلمة مرور خاطئة',
    password: 'كلمة المرور',
    passkey: 'مفتاح مرور',
    totp: 'تطبيق رموز',
    email: 'رمز بالبريد',
    recovery: 'رمز احتياطي',
    none: 'لا شيء بعد.',
    done: { forgotten: 'خرج ذلك الجهاز.', all: 'خرجت الأجهزة الأخرى كلها.' },
  },
  en: {
    title: 'Devices and sign-ins',
    lead: 'The browsers that signed in to these pages.',
    unknown: 'A browser that gives no name',
    here: 'this browser',
    open: 'signed in',
    out: 'signed out',
    trusted: 'not asked for a second factor until',
    seen: 'last seen',
    forget: 'Sign out and forget',
    all: 'Sign out all other devices',
    history: 'Sign-ins',
    historyText:
      'The last hundred within ninety days, and tries that failed. If somebody came in who was not you, change your password.',
    page: 'these pages',
    app: 'an app',
    'app-password': 'an app by its password',
    refused: 'wrong code',
    'wrong-password': 'wrong password',
    password: 'password',
    passkey: 'passkey',
    totp: 'authenticator app',
    email: 'code by email',
    recovery: 'recovery code',
    none: 'Nothing yet.',
    done: { forgotten: 'That device is signed out.', all: 'All other devices are signed out.' },
  },
}

const PATH = '/account/devices'

/** Where the account is signed in, and who signed in when. */
export const devicesPage = (pds: Parts): Page => ({
  path: PATH,
  async get(visit) {
    const owner = await requireAccount(pds, visit)
    return 'redirect' in owner ? owner : show(pds, visit, owner)
  },
  async post(visit) {
    const owner = await requireAccount(pds, visit)
    if ('redirect' in owner) return owner
    return redirect(`${PATH}?done=${await forget(pds, visit, owner)}`)
  },
})

async function forget({ devices }: Parts, { form, device }: FormVisit, { account }: Owner) {
  if (form.has('all')) {
    await devices.forgetAll(account.did, { but: device })
    return 'all'
  }
  await devices.forget(account.did, form.text('device', 40))
  return 'forgotten'
}

async function show(pds: Parts, visit: Visit, owner: Owner) {
  const w = visit.words(words)
  const { did } = owner.account
  const [devices, history] = await Promise.all([pds.devices.list(did), pds.signIns.list(did)])
  const how = (text: string) =>
    text
      .split(' ')
      .map((one) => (Object.hasOwn(w, one) ? String(w[one as keyof typeof w]) : one))
      .join(' + ')
  return framed(visit, owner, {
    title: w.title,
    lead: w.lead,
    told: doneText(visit, w.done),
    body: html`<ul class="rows">${devices.map(
      (one) => html`<li><div><strong>${one.agent ? latin(one.agent) : w.unknown}</strong>
<span class="hint">${one.id === visit.device.id && html`<span class="mark" data-tone="good">${w.here}</span> `}${one.isSignedIn ? w.open : w.out} · ${w.seen} ${day(visit, one.seenAtMs)}${one.trustedUntilMs > one.seenAtMs && html` · ${w.trusted} ${day(visit, one.trustedUntilMs)}`}</span></div>
<form method="post" action="${PATH}">${visit.token}<button class="button quiet small" name="device" value="${one.id}">${w.forget}</button></form></li>`,
    )}</ul>
${devices.length > 1 && html`<form method="post" action="${PATH}">${visit.token}<button class="button danger" name="all" value="1">${w.all}</button></form>`}
<section><h2>${w.history}</h2><p class="hint">${w.historyText}</p>
${history.length === 0 && html`<p>${w.none}</p>`}
<ul class="rows">${history.map(
      (one) => html`<li><div><strong>${when(visit, one.atMs)}</strong>
<span class="hint">${w[one.place]} · ${one.how && html`${how(one.how)} · `}${one.agent ? latin(one.agent) : w.unknown} · ${latin(one.network)}</span></div>
${one.outcome !== 'ok' && html`<span class="mark" data-tone="bad">${w[one.outcome]}${one.count > 1 && html` ×${one.count}`}</span>`}</li>`,
    )}</ul></section>`,
  })
}
