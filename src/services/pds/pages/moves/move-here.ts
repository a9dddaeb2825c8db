import type { MoveOutlook } from '#protocol/account'
import { UpstreamError } from '#protocol/identity'
import { ProtocolError } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import { requirePassword } from '../../methods/password.ts'
import { MOVE_HERE_PATH } from '../../moves/index.ts'
import type { Pds } from '../../parts.ts'
import { signInAddressRates, signInRates, signUpRates } from '../../rates.ts'
import { enter } from '../account/entering.ts'
import { count } from '../account/frame.ts'
import {
  type FormVisit,
  type Html,
  html,
  latin,
  type Page,
  type Reply,
  redirect,
  type View,
  type Visit,
} from '../index.ts'
import { durationText, hostName } from './amounts.ts'
import { hereWords } from './move-words.ts'
import { planExtras, sizeText } from './plan-words.ts'
import { openTicket, sealTicket, TICKET_CHARS_MAX, type Ticket } from './ticket.ts'

type Parts = Pick<
  Pds,
  'accounts' | 'devices' | 'host' | 'mail' | 'moves' | 'now' | 'otherHosts' | 'sealer' | 'signIns'
>

const PATH = MOVE_HERE_PATH
/** Where a move is watched, here and at every host of ours. */
const MOVE_PATH = '/account/move'
const NAME_MAX = 300
const PASSWORD_MAX = 512

/** Where a move to this host begins: sign in at the old host, see what will happen, start. */
export const moveHerePage = (pds: Parts): Page => ({
  path: PATH,
  get: (visit) => {
    const name = (visit.query.get('name') ?? '').slice(0, NAME_MAX)
    const source = (visit.query.get('from') ?? '').slice(0, NAME_MAX)
    return asking(visit, { name, source })
  },
  post(visit) {
    const does = visit.form.text('do', 20)
    if (does === 'start') return start(pds, visit)
    return does === 'leave' ? leave(pds, visit) : check(pds, visit)
  },
})

async function check(pds: Parts, visit: FormVisit): Promise<Reply> {
  const { form } = visit
  const given = { name: form.text('name', NAME_MAX), source: form.text('source', NAME_MAX) }
  const password = form.raw('password', PASSWORD_MAX)
  const factor = form.text('factor', 40)
  await visit.limit(signInAddressRates, {})
  await visit.limit(signInRates, { input: { identifier: given.name } })
  try {
    const there = await pds.otherHosts.signIn({ ...given, password, factor })
    const { source, session } = there
    const outlook = await pds.moves.plan({ source, session })
    return plan(pds, visit, outlook, { there, password })
  } catch (error) {
    return asking(visit, { ...given, ...problemOf(error) })
  }
}

async function start(pds: Parts, visit: FormVisit): Promise<Reply> {
  const { form } = visit
  await visit.limit(signUpRates, {})
  const ticket = openTicket(pds, visit, form.raw('ticket', TICKET_CHARS_MAX))
  if (!ticket) return asking(visit, { name: '', source: '', problem: 'stale' })
  const { there, password } = ticket
  const { source, session } = there
  const email = form.text('email', NAME_MAX)
  const inviteCode = form.text('invite', 100)
  try {
    const own = requirePassword(form.raw('own', PASSWORD_MAX) || password)
    const code = await pds.otherHosts.code(there, password)
    const { did } = await pds.moves.begin({
      source,
      session,
      password: own,
      code,
      ...(email !== '' && { email }),
      ...(inviteCode !== '' && { inviteCode }),
    })
    const account = (await pds.accounts.get(did))!
    return enter(pds, visit, account, { how: 'password', to: MOVE_PATH })
  } catch (error) {
    const told = problemOf(error, 'start')
    const outlook = await pds.moves.plan({ source, session }).catch(() => undefined)
    if (!outlook) return asking(visit, { name: there.handle, source: '', ...told })
    return plan(pds, visit, outlook, ticket, { ...told, email, inviteCode })
  }
}

async function leave(pds: Parts, visit: FormVisit): Promise<Reply> {
  const ticket = openTicket(pds, visit, visit.form.raw('ticket', TICKET_CHARS_MAX))
  if (ticket) await pds.otherHosts.leave(ticket.there)
  return redirect(`${PATH}?done=left`)
}

interface Told {
  problem?: string | undefined
  /** What the other side said, where no words of ours fit. */
  said?: string | undefined
}

/** Throws what is a fault of ours. */
function problemOf(error: unknown, at: 'check' | 'start' = 'check'): Told {
  if (error instanceof UpstreamError) return { problem: 'away' }
  if (error instanceof ProtocolError) return { problem: 'other', said: error.message }
  if (!(error instanceof XrpcError)) throw error
  const { error: name, message, status } = error
  const named: Readonly<Record<string, string>> = {
    AuthenticationRequired: at === 'check' ? 'wrong' : 'before',
    AuthFactorTokenRequired: 'factor',
    HostNotFound: 'host',
    InvalidInviteCode: 'invite',
    HandleNotAvailable: 'handle',
    InvalidPassword: 'password',
  }
  if (named[name]) return { problem: named[name] }
  if (status === 429) return { problem: 'busy' }
  if (status === 502 || status === 504 || status === 503) return { problem: 'away' }
  if (/email/i.test(message)) return { problem: 'email', said: message }
  return { problem: 'other', said: message.slice(0, 300) }
}

function notice(visit: Visit, { problem, said }: Told): Html | false {
  if (problem === undefined) return false
  const w = visit.words(hereWords)
  return html`<div class="notice" data-tone="bad" role="alert"><p>${w.problems[problem] ?? w.problems.other!}</p>
${said && html`<details><summary>${w.said}</summary><p dir="auto">${said}</p></details>`}</div>`
}

/** Who they are, and where. */
function asking(visit: Visit, given: { name: string; source: string } & Told): View {
  const w = visit.words(hereWords)
  const { name, source, problem } = given
  const done = w.done[visit.query.get('done') ?? '']
  const wantsSource = source !== '' || problem === 'host'
  return {
    title: w.title,
    status: problem ? 400 : 200,
    body: html`<h1>${w.title}</h1>
${done && problem === undefined && html`<p class="notice" data-tone="good" role="status">${done}</p>`}
${notice(visit, given) || html`<p class="lead">${w.lead}</p>`}
<form method="post" action="${PATH}" class="form">${visit.token}
<div class="field"><label for="name">${w.name}</label>
<input class="input" id="name" name="name" value="${name}" dir="ltr" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="${NAME_MAX}" aria-describedby="name-hint"${name === '' && html` autofocus`}><p class="hint" id="name-hint">${w.nameHint}</p></div>
<div class="field"><label for="password">${w.password}</label>
<input class="input" id="password" name="password" type="password" dir="auto" autocomplete="current-password" required maxlength="${PASSWORD_MAX}" aria-describedby="password-hint"${name !== '' && html` autofocus`}><p class="hint" id="password-hint">${w.passwordHint}</p></div>
${
  problem === 'factor' &&
  html`<div class="field"><label for="factor">${w.factor}</label>
<input class="input code" id="factor" name="factor" dir="ltr" autocomplete="one-time-code" required maxlength="40" aria-describedby="factor-hint"><p class="hint" id="factor-hint">${w.factorHint}</p></div>`
}
<details class="more"${wantsSource && html` open`}><summary>${w.sourceMore}</summary>
<div class="field"><label for="source">${w.source}</label>
<input class="input" id="source" name="source" value="${source}" dir="ltr" inputmode="url" autocapitalize="none" spellcheck="false" maxlength="${NAME_MAX}" aria-describedby="source-hint"><p class="hint" id="source-hint">${w.sourceHint}</p></div></details>
<button class="button wide-button" name="do" value="check">${w.check}</button>
<p class="hint">${w.checkHint}</p></form>
<p class="quiet-text">${w.gone} <a href="/account/lost-host">${w.goneGo}</a></p>`,
  }
}

interface Given extends Told {
  email?: string
  inviteCode?: string
}

/** What will happen, in plain words, and the button that lets it. */
function plan(
  pds: Parts,
  visit: Visit,
  outlook: MoveOutlook,
  ticket: Omit<Ticket, 'untilMs'>,
  given: Given = {},
): View {
  const w = visit.words(hereWords)
  const blocking = outlook.obstacles.filter((one) => one !== 'moving-already')
  const isBlocked = blocking.length > 0
  const sealed = html`<input type="hidden" name="ticket" value="${sealTicket(pds, visit, ticket)}">`
  const title = isBlocked ? w.obstacles : w.plan
  return {
    title,
    status: given.problem ? 400 : 200,
    body: html`<h1>${title}</h1>
${notice(visit, given) || (!isBlocked && html`<p class="lead">${w.planLead}</p>`)}
${obstacles(visit, outlook)}
<dl class="facts"><dt>${w.from}</dt><dd>${latin(hostName(outlook.from))}</dd><dt>${w.to}</dt><dd>${latin(hostName(outlook.to))}</dd></dl>
${!isBlocked && whatHappens(visit, outlook)}
${
  isBlocked
    ? html`<form method="post" action="${PATH}">${visit.token}${sealed}<button class="button quiet" name="do" value="leave">${w.again}</button></form>`
    : html`<section><h2>${w.here}</h2><form method="post" action="${PATH}" class="form">${visit.token}${sealed}
${fields(visit, outlook, { email: ticket.there.email ?? '', ...given })}
<div class="buttons"><button class="button" name="do" value="start">${outlook.obstacles.length > 0 ? w.goOn : w.go}</button>
<button class="button quiet" name="do" value="leave" formnovalidate>${w.notNow}</button></div></form></section>`
}`,
  }
}

function obstacles(visit: Visit, { obstacles: found }: MoveOutlook): Html | false {
  if (found.length === 0) return false
  const w = visit.words(hereWords)
  return html`<div class="notice" data-tone="warm" role="status">${found.map(
    (one) => html`<p>${w.obstacle[one] ?? html`${w.otherObstacle} ${latin(one)}`}</p>`,
  )}</div>`
}

function whatHappens(visit: Visit, outlook: MoveOutlook): Html {
  const w = visit.words(hereWords)
  const { handle, records, blobs, ownRotationKeys, otherServices, appPasswords } = outlook
  const item = (title: string, text: Html | string) =>
    html`<li><strong>${title}</strong><span class="lead">${text}</span></li>`
  const names = (list: readonly string[]) =>
    list.map((one, i) => html`${i > 0 && ' · '}<bdi>${one}</bdi>`)
  return html`<ul class="plain-list">
${item(w.keepsName, html`${latin(`@${handle}`)} · ${w.fates[outlook.handleFate]}`)}
${item(w.copies, html`${w.records}: ${count(visit, records)} · ${w.media}: ${count(visit, blobs)}${sizeText(visit, outlook)}. ${w.copiesText}`)}
${item(w.meanwhile, html`${w.meanwhileText} ${w.long} ${durationText(visit, outlook.seconds)}.`)}
${outlook.identity === 'web' && item(w.web, w.webText)}
${ownRotationKeys > 0 && item(w.keys, html`${w.keysText} ${count(visit, ownRotationKeys)}`)}
${otherServices.length > 0 && item(w.services, html`${names(otherServices)}`)}
${planExtras(visit, outlook, item)}
${item(w.apps, html`${w.appsText}${appPasswords.length > 0 && html` ${w.appsNames} ${names(appPasswords)}`}`)}
${item(w.back, w.backText)}
</ul>`
}

function fields(visit: Visit, outlook: MoveOutlook, { email = '', inviteCode = '' }: Given): Html {
  const w = visit.words(hereWords)
  return html`<div class="field"><label for="email">${w.email}</label>
<input class="input" id="email" name="email" type="email" value="${email}" dir="ltr" autocomplete="email" maxlength="${NAME_MAX}" aria-describedby="email-hint"><p class="hint" id="email-hint">${w.emailHint}</p></div>
${
  outlook.inviteRequired &&
  html`<div class="field"><label for="invite">${w.invite}</label>
<input class="input" id="invite" name="invite" value="${inviteCode}" dir="ltr" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="100" required></div>`
}
<div class="field"><label for="own">${w.own}</label>
<input class="input" id="own" name="own" type="password" dir="auto" autocomplete="new-password" maxlength="${PASSWORD_MAX}" aria-describedby="own-hint"><p class="hint" id="own-hint">${w.ownHint}</p></div>`
}
