import type { KeyHealth, RotationKeyView } from '#protocol/account'
import { parseWrappedRecoveryKey, UpstreamError } from '#protocol/identity'
import { type Did, ProtocolError } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import { tellOwner } from '../../mail/index.ts'
import { mailCode } from '../../methods/mail-code.ts'
import type { Pds } from '../../parts.ts'
import { identityRates, passwordRates } from '../../rates.ts'
import {
  type FormVisit,
  type Html,
  html,
  latin,
  type Page,
  type Reply,
  redirect,
  type Visit,
} from '../index.ts'
import { doneText, framed, type Told } from './frame.ts'
import { words as bothWords, type RecoveryKeyWords } from './recovery-key-words.ts'
import { type Owner, requireAccount } from './require-account.ts'

type Parts = Pick<
  Pds,
  | 'accounts'
  | 'codes'
  | 'devices'
  | 'factors'
  | 'host'
  | 'mail'
  | 'now'
  | 'passwords'
  | 'recoveryKeys'
>

const PATH = '/account/recovery-key'
const SCRIPT = 'recovery-key.js'
const PASSWORD_MAX = 512

/**
 * The key to one's own name: made, shown and read in the browser by a script, of which only the public
 * half and signatures come here. Fields for words have no name, so no form can send them.
 */
export const recoveryKeyPage = (pds: Parts): Page => ({
  path: PATH,
  async get(visit) {
    const owner = await requireAccount(pds, visit)
    return 'redirect' in owner ? owner : show(pds, visit, owner)
  },
  async post(visit) {
    const owner = await requireAccount(pds, visit)
    if ('redirect' in owner) return owner
    try {
      return await act(pds, visit, owner)
    } catch (error) {
      const problem = problemOf(error)
      if (problem === undefined) throw error
      return show(pds, visit, owner, problem)
    }
  },
})

async function act(pds: Parts, visit: FormVisit, { account }: Owner): Promise<Reply> {
  const { form } = visit
  const { did } = account
  const key = form.text('key', 300)
  switch (form.text('do')) {
    case 'code':
      await mailCode(pds, account, 'plc-operation', visit.request)
      return redirect(PATH)
    case 'add': {
      pds.recoveryKeys.requireUsable(did, key)
      await requireOwner(pds, visit, account)
      const wrapped = form.raw('wrapped', 4_000)
      await pds.recoveryKeys.register(did, key, {
        label: form.text('label', 50),
        ...(wrapped && { wrapped: parseWrappedRecoveryKey(parseJson(wrapped)) }),
      })
      await tellOwner(pds, account, 'notice-recovery-key-added', visit.request)
      if (form.has('signature')) await pds.recoveryKeys.check(did, proofOf(visit))
      return redirect(`${PATH}?done=added`)
    }
    case 'check':
      await visit.limit(passwordRates, { caller: { did } })
      await pds.recoveryKeys.check(did, proofOf(visit))
      return redirect(`${PATH}?done=checked`)
    case 'remove':
      await requireOwner(pds, visit, account)
      await pds.recoveryKeys.remove(did, key)
      await tellOwner(pds, account, 'notice-recovery-key-removed', visit.request)
      return redirect(`${PATH}?done=removed`)
    case 'forget':
      await pds.recoveryKeys.keepWrapped(did, key, undefined)
      return redirect(`${PATH}?done=forgotten`)
    default:
      return redirect(PATH)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new XrpcError(400, 'InvalidRequest', 'Not JSON')
  }
}

const proofOf = ({ form }: FormVisit) => ({
  key: form.text('key', 300),
  at: form.text('at', 40),
  signature: form.text('signature', 100),
})

/** Asks what the house asks for a change of identity: the mailed code, or the password without mail. */
async function requireOwner(
  pds: Parts,
  visit: FormVisit,
  account: Owner['account'],
): Promise<void> {
  const { did } = account
  await visit.limit(identityRates, { caller: { did } })
  if (pds.mail.leavesHost) {
    return pds.codes.use(did, 'plc-operation', visit.form.text('code', 40).toUpperCase())
  }
  await visit.limit(passwordRates, { caller: { did } })
  const proof = await pds.passwords.check(account, visit.form.raw('password', PASSWORD_MAX))
  if (!proof || proof.appPassword) throw new XrpcError(401, 'AuthenticationRequired', 'Wrong')
}

/** What to say of an error; undefined for those that no words of this page fit. */
function problemOf(error: unknown): string | undefined {
  if (error instanceof ProtocolError) return error.code === 'PlcRefused' ? 'refused' : undefined
  if (error instanceof UpstreamError) return 'directory'
  if (!(error instanceof XrpcError)) return undefined
  const names: Readonly<Record<string, string>> = {
    AuthenticationRequired: 'password',
    InvalidToken: 'code',
    ExpiredToken: 'code',
    TooManyKeys: 'many',
    InvalidSignature: 'signature',
  }
  if (error.message.includes('no email address')) return 'email'
  return names[error.error]
}

async function show(pds: Parts, visit: Visit, owner: Owner, problem?: string): Promise<Reply> {
  const w = visit.words(bothWords)
  const { account } = owner
  const health = await healthOf(pds, account.did)
  if (health === undefined) {
    const text = w.problems[problem ?? 'away']!
    return framed(visit, owner, { title: w.title, told: { tone: 'bad', text }, body: html`` })
  }
  const parts = { visit, w, health, byMail: pds.mail.leavesHost }
  const script = JSON.stringify(forScript(w))
  const bad: Told | undefined =
    problem === undefined ? undefined : { tone: 'bad', text: w.problems[problem] ?? problem }
  return framed(visit, owner, {
    title: w.title,
    lead: w.lead,
    told: bad ?? doneText(visit, w.said),
    scripts: [SCRIPT],
    body: html`${healthPart(parts)}
${
  health.state !== 'unsupported' &&
  html`<noscript><div class="notice" data-tone="warm">${w.noScript}</div></noscript>
<div id="own-key" class="form" hidden data-did="${account.did}" data-keys="${health.keys.map(({ key }) => key).join(' ')}" data-words="${script}">
${makePart(parts, account.handle, pds.host.publicUrl)}
${checkPart(parts)}
</div>
${organisationPart(parts)}`
}`,
  })
}

/** Undefined while the directory of identities is away. */
async function healthOf({ recoveryKeys }: Parts, did: Did): Promise<KeyHealth | undefined> {
  try {
    return await recoveryKeys.health(did)
  } catch (error) {
    if (error instanceof UpstreamError) return undefined
    throw error
  }
}

interface Showing {
  visit: Visit
  w: RecoveryKeyWords
  health: KeyHealth
  byMail: boolean
}

/** The words that the script puts in: templates with `{names}`. */
const forScript = (w: RecoveryKeyWords) => ({
  askWord: w.askWord,
  askWrong: w.askWrong,
  countWrong: w.countWrong,
  mended: w.mended,
  unclear: w.unclear,
  unknown: w.unknown,
  perhaps: w.perhaps,
  foreign: w.foreign,
  notYours: w.notYours,
  passkeyNot: w.passkeyNot,
  passkeyWrong: w.passkeyWrong,
  codeSent: w.codeSent,
})

const TONES: Record<KeyHealth['state'], string> = {
  none: 'warm',
  good: 'good',
  unchecked: 'warm',
  outranked: 'bad',
  lost: 'bad',
  unsupported: '',
}

function healthPart(parts: Showing): Html {
  const { w, health } = parts
  const { mark, text } = w.states[health.state]
  return html`<p data-state="${health.state}"><span class="mark" data-tone="${TONES[health.state]}">${mark}</span></p>
<p>${text}</p>
${
  health.keys.length + health.lost.length > 0 &&
  html`<section><h2>${w.keys}</h2><p class="hint">${w.keysText}</p>
<ol class="rows">${health.keys.map((key) => keyRow(parts, key))}${health.lost.map((key) => keyRow(parts, key, true))}</ol></section>`
}`
}

function keyRow(parts: Showing, one: RotationKeyView, isLost = false): Html {
  const { visit, w } = parts
  const { key, holder, label, createdAt, checkedAt, wrapped } = one
  const day = (at: string) => html`<time datetime="${at}">${latin(at.slice(0, 10))}</time>`
  return html`<li><div><strong>${w.holders[holder]}${label && html`: <bdi>${label}</bdi>`}</strong>
<span class="hint">${isLost && html`${w.lost} · `}${createdAt && html`${w.made} ${day(createdAt)} · `}${holder === 'owner' && (checkedAt ? html`${w.checked} ${day(checkedAt)} · ` : html`${w.neverChecked} · `)}${latin(`${key.slice(0, 20)}…${key.slice(-6)}`)}</span>
${
  wrapped &&
  html`<span class="hint">${w.locked}</span><form method="post" class="buttons">${visit.token}<input type="hidden" name="key" value="${key}">
<button type="button" class="button quiet small" data-open="${JSON.stringify(wrapped)}" hidden>${w.openLocked}</button>
<button class="button quiet small" name="do" value="forget">${w.forgetLocked}</button></form>`
}
${(holder === 'owner' || holder === 'organisation') && removeForm(parts, key)}</div></li>`
}

function removeForm(parts: Showing, key: string): Html {
  const { visit, w } = parts
  return html`<details class="more"><summary>${w.remove}</summary>
<form method="post" class="form">${visit.token}<input type="hidden" name="key" value="${key}">
<p class="hint">${w.removeText}</p>
${proofField(parts, key.slice(-8))}
<div class="buttons"><button class="button danger" name="do" value="remove">${w.removeGo}</button></div></form></details>`
}

/** The password, or the mailed code and the button that asks for it. */
function proofField({ w, byMail }: Showing, id: string): Html {
  if (!byMail) {
    return html`<div class="field"><label for="password-${id}">${w.password}</label>
<input class="input" id="password-${id}" name="password" type="password" dir="auto" autocomplete="current-password" maxlength="${PASSWORD_MAX}"></div>`
  }
  return html`<div class="field"><label for="code-${id}">${w.code}</label>
<input class="input code" id="code-${id}" name="code" dir="ltr" autocomplete="one-time-code" autocapitalize="characters" spellcheck="false" maxlength="40">
<p class="hint">${w.codeHint}</p>
<div class="buttons"><button class="button quiet small" name="do" value="code" formnovalidate data-code>${w.sendCode}</button><span class="hint" role="status"></span></div></div>`
}

/** Steps of making a key, one shown at a time by the script. */
function makePart(parts: Showing, handle: string, host: string): Html {
  const { w, health } = parts
  const isFirst = health.state === 'none'
  return html`<section id="make"><h2>${w.make}</h2>
<div class="form" data-step="start"><p>${w.makeText}</p>
<ol class="numbered">${w.makeSteps.map((step) => html`<li>${step}</li>`)}</ol>
<div class="buttons"><button type="button" class="button${!isFirst && ' quiet'}" data-do="make">${isFirst ? w.start : w.another}</button></div></div>
<div class="form" data-step="words" hidden tabindex="-1">
<div class="sheet">
<h3>${w.sheet}</h3>
<dl class="facts"><dt>${w.sheetFor}</dt><dd>${latin(`@${handle}`)}<br><span data-fact="did" dir="ltr"></span></dd><dt>${w.sheetHost}</dt><dd>${latin(host)}</dd><dt>${w.sheetDate}</dt><dd><span data-fact="date" dir="ltr"></span></dd><dt>${w.sheetKey}</dt><dd><span data-fact="key" dir="ltr"></span></dd></dl>
<ol class="sheet-words" dir="ltr" lang="en" translate="no" data-words></ol>
<ul class="sheet-text">${w.sheetText.map((line) => html`<li>${line}</li>`)}</ul>
</div>
<div class="buttons"><button type="button" class="button" data-do="written">${w.written}</button><button type="button" class="button quiet" data-do="print">${w.print}</button></div></div>
<div class="form" data-step="ask" hidden tabindex="-1"><h3>${w.ask}</h3><p>${w.askText}</p>
${[0, 1, 2].map(
  (i) => html`<div class="field"><label for="ask-${i}"></label>
<input class="input" id="ask-${i}" dir="ltr" autocomplete="off" autocapitalize="none" spellcheck="false" translate="no" maxlength="40"></div>`,
)}
<p class="notice" data-tone="bad" role="alert" data-error hidden></p>
<div class="buttons"><button type="button" class="button" data-do="asked">${w.goOn}</button><button type="button" class="button quiet" data-do="again">${w.back}</button></div></div>
${keepForm(parts)}
</section>`
}

function keepForm(parts: Showing): Html {
  const { visit, w } = parts
  return html`<form method="post" class="form" data-step="keep" hidden tabindex="-1">${visit.token}
<h3>${w.keep}</h3><p>${w.keepText}</p>
<input type="hidden" name="do" value="add"><input type="hidden" name="key"><input type="hidden" name="at"><input type="hidden" name="signature"><input type="hidden" name="wrapped">
<div class="field"><label for="label">${w.label}</label>
<input class="input" id="label" name="label" dir="auto" autocomplete="off" maxlength="50"><p class="hint">${w.labelHint}</p></div>
<label class="check" data-passkey hidden><input type="checkbox" data-lock><span>${w.passkey}<br><span class="hint">${w.passkeyHint}</span></span></label>
${proofField(parts, 'keep')}
<p class="notice" data-tone="bad" role="alert" data-error hidden></p>
<div class="buttons"><button class="button">${w.put}</button></div></form>`
}

/** A sheet is read by the script; what it proves is sent by the form. */
function checkPart({ visit, w }: Showing): Html {
  return html`<section id="check"><h2>${w.check}</h2><p>${w.checkText}</p>
<div class="field"><label for="sheet">${w.words}</label>
<textarea class="input" id="sheet" rows="4" dir="ltr" autocomplete="off" autocapitalize="none" spellcheck="false" translate="no" maxlength="2000"></textarea>
<p class="hint">${w.wordsHint}</p></div>
<div class="notice" data-tone="warm" role="alert" data-report hidden></div>
<form method="post">${visit.token}<input type="hidden" name="do" value="check"><input type="hidden" name="key"><input type="hidden" name="at"><input type="hidden" name="signature">
<div class="buttons"><button type="button" class="button quiet" data-do="check">${w.checkGo}</button><button class="button" data-send hidden>${w.goOn}</button></div></form></section>`
}

function organisationPart(parts: Showing): Html | false {
  const { visit, w, health } = parts
  const { organisation, keys } = health
  if (organisation === undefined || keys.some(({ key }) => key === organisation)) return false
  return html`<section><h2>${w.organisation}</h2><p>${w.organisationText}</p>
<form method="post" class="form">${visit.token}<input type="hidden" name="key" value="${organisation}">
${proofField(parts, 'organisation')}
<div class="buttons"><button class="button quiet" name="do" value="add">${w.organisationPut}</button></div></form></section>`
}
