import type { Pds } from '../../parts.ts'
import {
  type FormVisit,
  type Html,
  html,
  latin,
  type Page,
  redirect,
  type Visit,
} from '../index.ts'
import { framed } from './frame.ts'
import { type Owner, requireAccount } from './require-account.ts'

type Parts = Pick<Pds, 'accounts' | 'alarms' | 'devices' | 'factors' | 'host' | 'rescues'>

const words = {
  ar: {
    title: 'حسابك',
    name: 'الاسم',
    did: 'الهوية',
    email: 'البريد',
    none: 'لا بريد',
    confirmed: 'مؤكد',
    unconfirmed: 'لم يُؤكد بعد',
    host: 'المضيف',
    standing: 'الحالة',
    active: 'نشط',
    deactivated: 'متوقف، ولا يراه أحد',
    factors: 'خطوة ثانية للدخول',
    on: 'مفعّلة',
    off: 'غير مفعّلة',
    encourage: 'كلمة المرور وحدها تُسرق. أضف خطوة ثانية: مفتاح مرور أو تطبيق رموز، في دقيقة.',
    required: 'يطلب هذا المضيف من حسابك خطوة ثانية. أضف مفتاح مرور أو تطبيق رموز.',
    add: 'أضف خطوة ثانية',
    here: 'على هذا المتصفح',
    shown: 'معروض الآن',
    show: 'اعرضه',
    out: 'خروج',
    otherwise: 'الدخول بحساب آخر',
    alarm: 'غيّر أحدهم هوية حسابك، ولم يمرّ التغيير بمضيفك.',
    alarmGo: 'انظر ما تغيّر وتراجع عنه',
    yours: 'حسابك لك',
    yoursText: 'تنتقل به إلى مضيف آخر باسمه ومتابعيه وكل ما فيه، أو تأخذ منه نسخة.',
    move: 'الانتقال إلى مضيف آخر',
    take: 'خذ كل ما لك',
    rescued: 'عاد حسابك من نسخة: ما عاد، وما لا يُثبته أحد',
  },
  en: {
    title: 'Your account',
    name: 'Handle',
    did: 'Identity',
    email: 'Email',
    none: 'none',
    confirmed: 'confirmed',
    unconfirmed: 'not confirmed yet',
    host: 'Host',
    standing: 'Standing',
    active: 'active',
    deactivated: 'paused: nobody sees it',
    factors: 'Second factor',
    on: 'on',
    off: 'off',
    encourage:
      'A password alone can be stolen. Add a second factor, a passkey or an authenticator app: it takes a minute.',
    required:
      'This host asks for a second factor of your account. Add a passkey or an authenticator app.',
    add: 'Add a second factor',
    here: 'On this browser',
    shown: 'shown now',
    show: 'Show',
    out: 'Sign out',
    otherwise: 'Sign in with another account',
    alarm: 'Somebody changed your account’s identity, and not through your host.',
    alarmGo: 'See what changed, and undo it',
    yours: 'Your account is yours',
    yoursText: 'Move it to another host with its handle, its followers and all, or take a copy.',
    move: 'Move to another host',
    take: 'Take everything',
    rescued: 'Your account came back from a copy: what came back, and what nobody can prove',
  },
}

/** The account at a glance, and who else is signed in here. */
export const accountPage = (pds: Parts): Page => ({
  path: '/account',
  async get(visit) {
    const owner = await requireAccount(pds, visit)
    if ('redirect' in owner) return owner
    const { account } = owner
    const w = visit.words(words)
    const own = await pds.factors.list(account.did)
    const isRequired = await pds.factors.isRequired(account)
    const alarmCount = await pds.alarms.openCount(account.did)
    const isRescued = (await pds.rescues.of(account.did)) !== undefined
    const isConfirmed = account.emailConfirmedMs !== undefined
    return framed(visit, owner, {
      title: w.title,
      body: html`${alarmCount > 0 && html`<div class="notice" data-tone="bad" role="alert"><p>${w.alarm}</p><p><a href="/account/identity-alarms">${w.alarmGo}</a></p></div>`}
${own.length === 0 && html`<div class="notice" data-tone="warm"><p>${isRequired ? w.required : w.encourage}</p><p><a href="/account/second-factors">${w.add}</a></p></div>`}
<dl class="facts">
<dt>${w.name}</dt><dd>${latin(`@${account.handle}`)}</dd>
<dt>${w.did}</dt><dd>${latin(account.did)}</dd>
<dt>${w.email}</dt><dd>${account.email ? html`${latin(account.email)} ${mark(isConfirmed, isConfirmed ? w.confirmed : w.unconfirmed)}` : w.none}</dd>
<dt>${w.host}</dt><dd>${latin(pds.host.publicUrl)}</dd>
<dt>${w.standing}</dt><dd>${mark(account.status === 'active', account.status === 'active' ? w.active : w.deactivated)}</dd>
<dt>${w.factors}</dt><dd>${mark(own.length > 0, own.length > 0 ? w.on : w.off)}</dd>
</dl>
<section><h2>${w.here}</h2>${signedInList(visit, owner)}
<p><a href="/account/sign-in">${w.otherwise}</a></p></section>
<section><h2>${w.yours}</h2><p>${w.yoursText}</p>
<div class="buttons"><a class="button quiet small" href="/account/move">${w.move}</a><a class="button quiet small" href="/account/export">${w.take}</a></div>
${isRescued && html`<p><a href="/account/rescue">${w.rescued}</a></p>`}</section>`,
    })
  },
})

const mark = (isGood: boolean, text: string) =>
  html`<span class="mark" data-tone="${isGood ? 'good' : 'warm'}">${text}</span>`

function signedInList(visit: Visit, { all, account }: Owner): Html {
  const w = visit.words(words)
  return html`<ul class="rows">${all.map(
    ({ did, handle }) => html`<li><div>${latin(`@${handle}`)}</div>
<form method="post" action="/account/sign-out" class="buttons">${visit.token}<input type="hidden" name="did" value="${did}">
${did === account.did ? html`<span class="mark">${w.shown}</span>` : html`<button class="button quiet small" name="show" value="1">${w.show}</button>`}
<button class="button quiet small">${w.out}</button></form></li>`,
  )}</ul>`
}

/** Signs one account out of this browser, or shows another one's pages. */
export const signOutPage = (pds: Pick<Pds, 'devices'>): Page => ({
  path: '/account/sign-out',
  get: () => redirect('/account'),
  async post(visit: FormVisit) {
    const did = visit.form.text('did')
    const one = (await pds.devices.signedIn(visit.device)).find((each) => each.did === did)
    if (one && visit.form.has('show')) await pds.devices.select(visit.device, one.did)
    else if (one) await pds.devices.signOut(visit.device, one.did)
    return redirect('/account')
  },
})
