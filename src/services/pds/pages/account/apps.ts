import type { PermissionSet } from '#protocol/auth'
import type { AuthorizedApp } from '../../oauth/index.ts'
import type { Pds } from '../../parts.ts'
import { type Html, html, latin, type Page, redirect, type Visit, webAddress } from '../index.ts'
import { choicesOf } from '../oauth/permission-words.ts'
import { day, doneText, framed } from './frame.ts'
import { type Owner, requireAccount } from './require-account.ts'

type Parts = Pick<Pds, 'accounts' | 'devices' | 'factors' | 'oauth'>

const words = {
  ar: {
    title: 'التطبيقات المتصلة',
    lead: 'تطبيقات أذنت لها أن تعمل باسمك. ما تسحبه هنا يتوقف في الحال.',
    none: 'لم تأذن لتطبيق بعد.',
    since: 'منذ',
    used: 'آخر استعمال',
    may: 'ما أذنت به',
    revoke: 'سحب الإذن',
    all: 'اسحب الإذن منها كلها',
    done: { revoked: 'سُحب الإذن، وتوقف التطبيق.', all: 'سُحب الإذن من التطبيقات كلها.' },
  },
  en: {
    title: 'Connected apps',
    lead: 'Apps that you let act in your name. What you take back here stops at once.',
    none: 'You have let no app in yet.',
    since: 'since',
    used: 'last used',
    may: 'What it may do',
    revoke: 'Take back',
    all: 'Take back from all',
    done: {
      revoked: 'Taken back: the app has stopped.',
      all: 'Taken back from all apps.',
    },
  },
}

const PATH = '/account/apps'

/** The apps that act for the account by OAuth, and what each may do. */
export const appsPage = (pds: Parts): Page => ({
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
    if (isAll) await pds.oauth.revokeAllApps(did)
    else await pds.oauth.revokeApp(did, visit.form.text('session', 100))
    return redirect(`${PATH}?done=${isAll ? 'all' : 'revoked'}`)
  },
})

async function show(pds: Parts, visit: Visit, owner: Owner) {
  const w = visit.words(words)
  const apps = await pds.oauth.listAuthorizedApps(owner.account.did)
  const sets = await pds.oauth.sets.kept([...new Set(apps.map(({ scope }) => scope))].join(' '))
  return framed(visit, owner, {
    title: w.title,
    lead: w.lead,
    told: doneText(visit, w.done),
    body: html`${apps.length === 0 && html`<p>${w.none}</p>`}
<ul class="rows">${apps.map((app) => row(visit, app, sets))}</ul>
${apps.length > 1 && html`<form method="post" action="${PATH}">${visit.token}<button class="button danger" name="all" value="1">${w.all}</button></form>`}`,
  })
}

/** The address is what is sure of an app: its name is only what it says of itself. */
function row(visit: Visit, app: AuthorizedApp, sets: readonly PermissionSet[]): Html {
  const w = visit.words(words)
  const address = webAddress(app.clientId)
  const place = latin(address ? new URL(address).host : app.clientId)
  return html`<li><div><strong><bdi>${app.clientName ?? place}</bdi></strong>
<span class="hint">${place} · ${w.since} ${day(visit, app.createdMs)} · ${w.used} ${day(visit, app.usedMs)}</span>
<details class="more"><summary>${w.may}</summary><ul class="hint">${permissions(visit, app.scope, sets)}</ul></details></div>
<form method="post" action="${PATH}">${visit.token}<button class="button quiet small" name="session" value="${app.sessionId}">${w.revoke}</button></form></li>`
}

/** In words where there are some, else as the app asked for it; a set with what is in it. */
const permissions = (visit: Visit, scope: string, sets: readonly PermissionSet[]): Html[] =>
  scope.split(' ').flatMap((one) => {
    if (one === 'atproto') return []
    const choices = choicesOf(one, sets, visit.language)
    if (choices.length === 0) return [html`<li>${latin(one)}</li>`]
    return choices.map(
      ({ title, parts }) =>
        html`<li>${title}${parts.length > 0 && html`<ul>${parts.map((part) => html`<li>${part}</li>`)}</ul>`}</li>`,
    )
  })
