import type { Pds } from '../../parts.ts'
import { html, latin, type Page, redirect, type Visit } from '../index.ts'
import { doneText, framed, when } from './frame.ts'
import { type Owner, requireAccount } from './require-account.ts'

type Parts = Pick<Pds, 'accounts' | 'devices' | 'factors' | 'sessions'>

const words = {
  ar: {
    title: 'جلسات بكلمة المرور',
    lead: 'التطبيقات التي دخلت بكلمة مرورك، أو بكلمة صُنعت لها. ما تنهيه هنا يتوقف في الحال.',
    none: 'لا تطبيق داخل بكلمة مرور الآن.',
    unknown: 'تطبيق لا يذكر اسمه',
    with: 'بكلمة مرور التطبيق',
    since: 'منذ',
    renewed: 'آخر تجديد',
    end: 'إنهاء',
    all: 'أنهِ كل الجلسات',
    done: { ended: 'انتهت الجلسة.', all: 'انتهت الجلسات كلها.' },
  },
  en: {
    title: 'Password sessions',
    lead: 'Apps that signed in with your password, or with one made for them. What you end here stops at once.',
    none: 'No app is signed in with a password now.',
    unknown: 'An app that gives no name',
    with: 'by the app password',
    since: 'since',
    renewed: 'last renewed',
    end: 'End',
    all: 'End all sessions',
    done: { ended: 'The session has ended.', all: 'All sessions have ended.' },
  },
}

const PATH = '/account/sessions'

/** Password sessions of apps, each of which can be ended. */
export const sessionsPage = (pds: Parts): Page => ({
  path: PATH,
  async get(visit) {
    const owner = await requireAccount(pds, visit)
    return 'redirect' in owner ? owner : show(pds, visit, owner)
  },
  async post(visit) {
    const owner = await requireAccount(pds, visit)
    if ('redirect' in owner) return owner
    const { did } = owner.account
    const isAll = visit.form.has('all')
    if (isAll) await pds.sessions.endAll(did)
    else await pds.sessions.end(did, visit.form.text('session', 64))
    return redirect(`${PATH}?done=${isAll ? 'all' : 'ended'}`)
  },
})

async function show(pds: Parts, visit: Visit, owner: Owner) {
  const w = visit.words(words)
  const sessions = await pds.sessions.list(owner.account.did)
  return framed(visit, owner, {
    title: w.title,
    lead: w.lead,
    told: doneText(visit, w.done),
    body: html`${sessions.length === 0 && html`<p>${w.none}</p>`}
<ul class="rows">${sessions.map(
      (one) => html`<li><div><strong>${one.agent ? latin(one.agent) : w.unknown}</strong>
<span class="hint">${one.appPassword !== undefined && html`${w.with} <bdi>${one.appPassword}</bdi> · `}${w.since} ${when(visit, one.startedMs)} · ${w.renewed} ${when(visit, one.renewedMs)}</span></div>
<form method="post" action="${PATH}">${visit.token}<button class="button quiet small" name="session" value="${one.id}">${w.end}</button></form></li>`,
    )}</ul>
${sessions.length > 1 && html`<form method="post" action="${PATH}">${visit.token}<button class="button danger" name="all" value="1">${w.all}</button></form>`}`,
  })
}
