import { XrpcError } from '#protocol/xrpc'
import { tellOwner } from '../../mail/index.ts'
import type { Pds } from '../../parts.ts'
import { appPasswordRates } from '../../rates.ts'
import { isAppPurpose } from '../../sign-in/index.ts'
import { type FormVisit, html, latin, type Page, redirect, type Visit } from '../index.ts'
import { day, doneText, framed, type Told } from './frame.ts'
import { type Owner, requireFresh } from './require-account.ts'

type Parts = Pick<
  Pds,
  'accounts' | 'devices' | 'factors' | 'mail' | 'now' | 'passwords' | 'sessions' | 'vaultGrants'
>

const words = {
  ar: {
    title: 'كلمات مرور التطبيقات',
    lead: 'لتطبيق لا يعرف طريقًا آخر: كلمة له وحده، تسحبها متى شئت. لا تفتح هذه الصفحات ولا تغيّر كلمة مرورك.',
    none: 'لا شيء منها بعد.',
    made: 'صُنعت',
    used: 'آخر استعمال',
    never: 'لم تُستعمل بعد',
    messages: 'والرسائل الخاصة',
    revoke: 'سحب',
    make: 'اصنع واحدة',
    name: 'لأي تطبيق؟',
    purpose: 'ما الذي يفعله؟',
    purposes: {
      all: ['كل ما هو عام', 'ينشر ويتابع ويحذف، ويقرأ تفضيلاتك ويغيّرها.'],
      private: ['كل ما هو عام، والرسائل الخاصة', 'لتطبيق المحادثة فقط.'],
      post: [
        'ينشر فقط',
        'لبرنامج ينشر من مكان آخر: يضيف منشورات بصورها، ولا يقرأ ما هو لك ولا يحذف شيئًا.',
      ],
      read: [
        'يقرأ فقط',
        'يرى ما تراه في الخلاصات والإشعارات، ولا يكتب شيئًا. ولا تُفتح به الرسائل الخاصة.',
      ],
    },
    only: { read: 'يقرأ فقط', post: 'ينشر فقط' },
    go: 'اصنعها',
    shown: 'كلمة مرور لتطبيق',
    shownText: 'تظهر هذه المرة فقط. الصقها في التطبيق الآن.',
    kept: 'تم',
    done: { revoked: 'سُحبت، وانتهى ما فُتح بها.' },
    taken: 'هذا الاسم مستعمل، أو بلغت كلماتك خمسين.',
  },
  en: {
    title: 'App passwords',
    lead: 'For an app that knows no other way: a password for it alone, taken back whenever you like. It does not open these pages, nor change your password.',
    none: 'None yet.',
    made: 'made',
    used: 'last used',
    never: 'not used yet',
    messages: 'and private messages',
    revoke: 'Take back',
    make: 'Make one',
    name: 'For which app?',
    purpose: 'What will it do?',
    purposes: {
      all: ['Everything public', 'Post, follow and delete, read and change your preferences.'],
      private: ['Everything public, and private messages', 'Only for an app to chat with.'],
      post: [
        'Post, and nothing else',
        'For a program that posts from elsewhere: it adds posts with their pictures, reads nothing that is yours and deletes nothing.',
      ],
      read: [
        'Read, and nothing else',
        'It sees what you see in feeds and notifications, and writes nothing. Private messages stay shut.',
      ],
    },
    only: { read: 'reads only', post: 'posts only' },
    go: 'Make it',
    shown: 'A password for the app',
    shownText: 'It is shown this once. Paste it into the app now.',
    kept: 'Done',
    done: { revoked: 'Taken back, and what it opened has ended.' },
    taken: 'This name is in use, or there are fifty already.',
  },
}

const PATH = '/account/app-passwords'

/** Passwords for one app each: made, shown once, taken back. */
export const appPasswordsPage = (pds: Parts): Page => ({
  path: PATH,
  async get(visit) {
    const owner = await requireFresh(pds, visit)
    return 'redirect' in owner ? owner : show(pds, visit, owner)
  },
  async post(visit) {
    const owner = await requireFresh(pds, visit)
    if ('redirect' in owner) return owner
    const { did } = owner.account
    if (!visit.form.has('revoke')) return make(pds, visit, owner)
    const name = visit.form.text('revoke', 300)
    await pds.passwords.deleteAppPassword(did, name)
    await pds.sessions.revokeAppPassword(did, name)
    pds.vaultGrants.changed(did)
    return redirect(`${PATH}?done=revoked`)
  },
})

async function make(pds: Parts, visit: FormVisit, owner: Owner) {
  const w = visit.words(words)
  const { did } = owner.account
  await visit.limit(appPasswordRates, { caller: { did } })
  const name = visit.form.text('name', 100)
  try {
    const chosen = visit.form.text('purpose', 20)
    const purpose = isAppPurpose(chosen) ? chosen : undefined
    const isPrivate = chosen === 'private'
    const made = await pds.passwords.createAppPassword(did, name, isPrivate, purpose)
    await tellOwner(pds, owner.account, 'notice-app-password', visit.request)
    pds.vaultGrants.changed(did)
    return framed(visit, owner, {
      title: w.shown,
      lead: w.shownText,
      body: html`<p><bdi>${made.name}</bdi></p><p class="secret">${latin(made.password)}</p>
<p><a class="button" href="${PATH}">${w.kept}</a></p>`,
    })
  } catch (error) {
    if (!(error instanceof XrpcError) || error.status !== 400) throw error
    return show(pds, visit, owner, { tone: 'bad', text: w.taken })
  }
}

async function show(pds: Parts, visit: Visit, owner: Owner, told?: Told) {
  const w = visit.words(words)
  const all = await pds.passwords.appPasswords(owner.account.did)
  return framed(visit, owner, {
    title: w.title,
    lead: w.lead,
    told: told ?? doneText(visit, w.done),
    body: html`${all.length === 0 && html`<p>${w.none}</p>`}
<ul class="rows">${all.map(
      (one) => html`<li><div><strong><bdi>${one.name}</bdi></strong>
<span class="hint">${w.made} ${day(visit, one.createdMs)} · ${one.usedMs === undefined ? w.never : html`${w.used} ${day(visit, one.usedMs)}`}${one.privileged && html` · ${w.messages}`}${one.purpose && html` · ${w.only[one.purpose]}`}</span></div>
<form method="post" action="${PATH}">${visit.token}<button class="button quiet small" name="revoke" value="${one.name}">${w.revoke}</button></form></li>`,
    )}</ul>
<section><h2>${w.make}</h2><form method="post" class="form" action="${PATH}">${visit.token}
<div class="field"><label for="name">${w.name}</label><input class="input" id="name" name="name" dir="auto" required maxlength="100"></div>
<fieldset class="choices"><legend>${w.purpose}</legend>
${(['all', 'private', 'post', 'read'] as const).map((one) => html`<label class="choice"><input type="radio" name="purpose" value="${one}"${one === 'all' && html` checked`}><span>${w.purposes[one][0]}<span class="hint">${w.purposes[one][1]}</span></span></label>`)}
</fieldset>
<div><button class="button">${w.go}</button></div></form></section>`,
  })
}
