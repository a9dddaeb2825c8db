/** Moving away: where to, and what an account here has to do with moves. */
import type { MoveView } from '#protocol/account'
import type { Account } from '../../accounts/index.ts'
import { MOVE_HERE_PATH, type OtherHost } from '../../moves/index.ts'
import { when } from '../account/frame.ts'
import { type Html, html, latin, type Visit } from '../index.ts'
import { hostName } from './amounts.ts'
import { moveWords } from './move-words.ts'

interface Away {
  account: Account
  host: string
  /** Where the account lives, when that is not here. */
  home: string | undefined
  /** What was asked for, and what answers there. */
  address: string
  found: OtherHost | undefined
  earlier: readonly MoveView[]
}

export function awayBody(visit: Visit, away: Away): Html {
  const w = visit.words(moveWords)
  const { home, account, earlier } = away
  return html`${home !== undefined ? livesThere(visit, home) : leaving(visit, away)}
${
  earlier.length > 0 &&
  html`<section><h2>${w.earlier}</h2><ul class="rows">${earlier.map(
    ({
      id,
      from,
      changedAt,
      state,
    }) => html`<li><div><strong>${latin(hostName(from))}</strong><span class="hint">${w.titles[state]} · ${when(visit, Date.parse(changedAt))}</span></div>
<a class="button quiet small" href="/account/move?id=${id}">${w.show}</a></li>`,
  )}</ul></section>`
}
${account.status === 'active' && html`<section><h2>${w.here}</h2><p>${w.hereText} <a href="${MOVE_HERE_PATH}">${w.hereGo}</a></p></section>`}`
}

function livesThere(visit: Visit, home: string): Html {
  const w = visit.words(moveWords)
  return html`<p>${w.livesAt} ${latin(hostName(home))}. ${w.livesText}</p>
<p><a class="button" href="${home}/account/move">${w.goThere}</a></p>`
}

function leaving(visit: Visit, { account, host, address, found }: Away): Html {
  const w = visit.words(moveWords)
  return html`<p class="lead">${w.awayText}</p>
<form method="post" action="/account/move" class="form">${visit.token}
<div class="field"><label for="address">${w.address}</label>
<input class="input" id="address" name="address" value="${address}" dir="ltr" inputmode="url" autocapitalize="none" spellcheck="false" required maxlength="300" aria-describedby="address-hint"><p class="hint" id="address-hint">${w.addressHint}</p></div>
<div class="buttons"><button class="button${found && ' quiet'}" name="do" value="look">${w.addressGo}</button></div></form>
${found && (found.isOurs ? ours(visit, found, account, host) : foreign(visit, found, account, host))}`
}

function ours(
  visit: Visit,
  { origin, inviteRequired }: OtherHost,
  { handle }: Account,
  host: string,
) {
  const w = visit.words(moveWords)
  const query = new URLSearchParams({ name: handle, from: host, lang: visit.language })
  return html`<section role="status"><h2>${latin(hostName(origin))}</h2>
<p>${w.ours}. ${w.oursText}${inviteRequired && html` ${w.invite}`}</p>
<p><a class="button" href="${origin}${MOVE_HERE_PATH}?${query.toString()}">${w.goThere}</a></p></section>`
}

function foreign(
  visit: Visit,
  { origin, inviteRequired }: OtherHost,
  { handle }: Account,
  host: string,
) {
  const w = visit.words(moveWords)
  return html`<section role="status"><h2>${latin(hostName(origin))}</h2>
<p>${w.foreign}. ${inviteRequired && w.invite} ${w.foreignText}</p>
<code class="secret plain-text" dir="ltr">falaj move --from ${host} --to ${origin} --handle ${handle}</code></section>`
}
