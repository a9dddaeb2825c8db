/** What of a move changes while it is watched: said in a sentence, in figures, and what can be done. */
import { type MoveReceipt, type MoveView, moveSteps } from '#protocol/account'
import type { WantedDocument } from '../../moves/index.ts'
import { count, when } from '../account/frame.ts'
import { type Html, html, latin, type Visit } from '../index.ts'
import { bytesText, durationText, hostName, rateText } from './amounts.ts'
import { moveWords } from './move-words.ts'
import { isSwitched, shareDone } from './picture.ts'
import { broughtFacts, privateFacts } from './plan-words.ts'

export interface Around {
  document: WantedDocument | undefined
  /** Codes of this host come by mail. */
  byMail: boolean
  nowMs: number
}

/** `said` is read out when it changes; `region` is put in anew with each version. */
export function liveParts(visit: Visit, move: MoveView, around: Around) {
  const { id, version, state } = move
  const isEnded = state === 'done' || state === 'abandoned'
  const live = isEnded ? 'ended' : move.needs === 'document' ? 'document' : state
  return {
    said: sentence(visit, move),
    region: html`<div class="live" data-live="/account/move?id=${id}" data-version="${version}" data-state="${live}">
${state === 'done' ? arrived(visit, move, around) : state !== 'abandoned' && underWay(visit, move, around)}</div>`,
  }
}

function sentence(visit: Visit, { state, step, needs, problem }: MoveView): string {
  const w = visit.words(moveWords)
  if (state === 'waiting') return w.said[needs ?? 'code']
  if (state !== 'running') return w.said[state]
  if (problem !== undefined) return w.said.trying
  return step === 'done' ? w.said.done : w.steps[step]
}

function underWay(visit: Visit, move: MoveView, around: Around): Html {
  const w = visit.words(moveWords)
  const { state, needs, problem } = move
  const isWaiting = state === 'waiting'
  return html`<progress max="100" value="${Math.round(100 * shareDone(move))}" aria-label="${w.progress}"></progress>
${figures(visit, move)}
${isWaiting && needs === 'code' && codeForm(visit, move)}
${isWaiting && needs === 'document' && around.document && documentPart(visit, move, around.document)}
${problem !== undefined && needs === undefined && html`<details class="more" id="problem"><summary>${w.problem}</summary><p class="hint" dir="auto">${problem}</p></details>`}
${stepList(visit, move)}
${state === 'running' && html`<p class="hint">${w.leaveHint}</p>`}
${buttons(visit, move)}`
}

function figures(visit: Visit, { blobs, bytes, bytesPerSecond, secondsLeft }: MoveView) {
  const w = visit.words(moveWords)
  const facts: [string, string | false | undefined][] = [
    [w.brought, bytes !== undefined && bytesText(visit, bytes)],
    [w.rate, bytesPerSecond !== undefined && rateText(visit, bytesPerSecond)],
    [w.media, blobs && `${count(visit, blobs.done)} ${w.of} ${count(visit, blobs.total)}`],
    [w.left, secondsLeft !== undefined && `${w.about} ${durationText(visit, secondsLeft)}`],
  ]
  const known = facts.filter(([, value]) => value)
  return (
    known.length > 0 &&
    html`<dl class="facts">${known.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`
  )
}

function stepList(visit: Visit, { step, state }: MoveView): Html {
  const w = visit.words(moveWords)
  const at = moveSteps.indexOf(step)
  const stateOf = (index: number) =>
    index < at ? 'done' : index > at ? 'later' : state === 'running' ? 'now' : 'stopped'
  return html`<ol class="steps">${moveSteps.slice(0, -1).map((one, index) => {
    const now = stateOf(index)
    return html`<li class="step" data-state="${now}"${index === at && html` aria-current="step"`}>${w.steps[one as keyof typeof w.steps]}</li>`
  })}</ol>`
}

function buttons(visit: Visit, move: MoveView): Html {
  const w = visit.words(moveWords)
  const { id, state, canAbandon, needs } = move
  const canPause = state === 'running' || (state === 'waiting' && needs !== undefined)
  const button = (does: string, text: string, tone: string) =>
    html`<form method="post" action="/account/move">${visit.token}<input type="hidden" name="id" value="${id}"><button class="button${tone}" name="do" value="${does}" data-key="${does}">${text}</button></form>`
  return html`<div class="buttons">
${canPause && button('pause', w.pause, ' quiet')}
${(state === 'paused' || state === 'failed') && button('resume', w.resume, '')}</div>
${
  canAbandon
    ? html`<details class="more" id="abandon"><summary>${w.abandon}</summary><p>${w.abandonText}</p>${button('abandon', w.abandonGo, ' danger')}</details>`
    : html`<p class="hint">${w.afterSwitch}</p>`
}`
}

function codeForm(visit: Visit, { id, problem }: MoveView): Html {
  const w = visit.words(moveWords)
  return html`<form method="post" action="/account/move" class="form">${visit.token}<input type="hidden" name="id" value="${id}">
${problem !== undefined && html`<p class="notice" data-tone="bad" role="alert">${w.wrongCode}</p>`}
<div class="field"><label for="code">${w.code}</label>
<input class="input code" id="code" name="code" dir="ltr" autocomplete="one-time-code" autocapitalize="characters" spellcheck="false" maxlength="40" required aria-describedby="code-hint"><p class="hint" id="code-hint">${w.codeText}</p></div>
<div class="buttons"><button class="button" name="do" value="confirm">${w.codeGo}</button>
<button class="button quiet" name="do" value="letter" formnovalidate>${w.letter}</button></div></form>`
}

/** What the owner of a domain has to publish, whether it is there, and why. */
function documentPart(visit: Visit, { id, did }: MoveView, found: WantedDocument): Html {
  const w = visit.words(moveWords)
  const place = `https://${decodeURIComponent(did.slice('did:web:'.length))}/.well-known/did.json`
  return html`<section><h2>${w.document}</h2>
<p>${w.documentText} ${latin(place)}</p>
${!found.isReadable && html`<p class="notice" data-tone="warm" role="status">${w.unreadable}</p>`}
<ul class="rows">${found.checks.map(
    ({ what, wanted, isThere }) =>
      html`<li><div><strong>${w.checks[what]}</strong><span class="hint">${latin(wanted)}</span></div><span class="mark" data-tone="${isThere ? 'good' : 'warm'}">${isThere ? w.there : w.notThere}</span></li>`,
  )}</ul>
<details class="more" id="document"><summary>${w.documentPlace}</summary><textarea class="input plain-text" dir="ltr" readonly rows="16" spellcheck="false" aria-label="${w.text}">${JSON.stringify(found.document, undefined, 2)}</textarea></details>
<div class="buttons"><a class="button" href="/account/move/did.json?id=${id}" download>${w.save}</a>
<a class="button quiet" href="/account/move?id=${id}">${w.look}</a></div>
<p class="hint">${w.documentKeep}</p></section>`
}

function arrived(visit: Visit, move: MoveView, around: Around): Html {
  const { receipt } = move
  return html`${receipt && receiptPart(visit, move, receipt)}
${isSwitched(move) && wayBack(visit, move, around)}`
}

function receiptPart(visit: Visit, { id }: MoveView, receipt: MoveReceipt): Html {
  const w = visit.words(moveWords)
  const { missingBlobs, startedMs, finishedMs, late, sightings = [], warnings = [] } = receipt
  const isWhole = receipt.sameRoot && missingBlobs.length === 0
  const took = durationText(visit, (finishedMs - startedMs) / 1_000)
  return html`<section><h2>${w.receipt}</h2>
<p class="notice" data-tone="${isWhole ? 'good' : 'warm'}">${isWhole ? w.whole : w.partly}</p>
<dl class="facts"><dt>${w.name}</dt><dd>${latin(`@${receipt.handle}`)}</dd>
<dt>${w.records}</dt><dd>${count(visit, receipt.records)}</dd>
<dt>${w.media}</dt><dd>${count(visit, receipt.blobs)}${missingBlobs.length > 0 && html` · ${w.missing} ${count(visit, missingBlobs.length)}`}</dd>
${broughtFacts(visit, receipt)}
${late && html`<dt>${w.late}</dt><dd>${count(visit, late.records)}${late.conflictCount > 0 && html` · ${w.kept}: ${count(visit, late.conflictCount)}`}</dd>`}
${sightings.map(({ url, seen }) => html`<dt>${seen ? w.seen : w.notSeen}</dt><dd>${latin(hostName(url))}</dd>`)}
<dt>${w.took}</dt><dd>${took} · ${when(visit, finishedMs)}</dd></dl>
${privateFacts(visit, receipt.privateParts)}
${warnings.map((one) => html`<p class="notice" data-tone="warm">${w.warnings[one] ?? one}</p>`)}
<p><a class="button" href="/account/move/receipt.json?id=${id}" download>${w.saveReceipt}</a></p>
<details class="more" id="proof"><summary>${w.proof}</summary><textarea class="input plain-text" dir="ltr" readonly rows="16" spellcheck="false" aria-label="${w.proof}">${JSON.stringify(receipt, undefined, 2)}</textarea></details>
<p class="hint">${w.verify} ${latin('falaj receipt verify')}.</p></section>`
}

function wayBack(visit: Visit, move: MoveView, { byMail, nowMs }: Around): Html {
  const w = visit.words(moveWords)
  const { id, from, wayBackUntil } = move
  const untilMs = Date.parse(wayBackUntil ?? '')
  const isBack = visit.query.get('done') === 'back'
  if (isBack) {
    return html`<p><a class="button" href="${from}/account/move">${latin(hostName(from))}</a></p>`
  }
  if (!(untilMs > nowMs)) return html`<p class="hint">${w.backOver}</p>`
  const isOpen = visit.query.get('done') === 'mailed' || visit.request.method === 'POST'
  return html`<details class="more"${isOpen && html` open`} id="back"><summary>${w.back}</summary>
<form method="post" action="/account/move?id=${id}" class="form">${visit.token}<input type="hidden" name="id" value="${id}">
<p>${w.backText} ${w.backUntil} ${when(visit, untilMs)}.</p>
${
  byMail &&
  html`<div class="field"><label for="back-code">${w.backCode}</label>
<input class="input code" id="back-code" name="code" dir="ltr" autocomplete="one-time-code" autocapitalize="characters" spellcheck="false" maxlength="40">
<div><button class="button quiet small" name="do" value="code" formnovalidate>${w.backSend}</button></div></div>`
}
<div class="field"><label for="back-password">${w.backPassword}</label>
<input class="input" id="back-password" name="password" type="password" dir="auto" autocomplete="current-password" maxlength="512" required></div>
<div class="buttons"><button class="button" name="do" value="back">${w.backGo} ${latin(hostName(from))}</button></div></form></details>`
}
