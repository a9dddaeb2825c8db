/**
 * The emergency way back: whoever holds a key that ranks above the one that changed an identity takes the
 * change back within 72 hours, at the page of any host, whether their own answers or not. The key stays in
 * the browser; what is handed in is its signature, which the directory checks as well.
 */
import {
  identityOf,
  PLC_RECOVERY_MS,
  type PlcChange,
  type PlcLogEntry,
  type PlcLogState,
  type PlcUndo,
  planPlcUndo,
  plcChanges,
  plcSignerIndex,
  plcState,
} from '#protocol/identity'
import { ProtocolError } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { Pds } from '../../parts.ts'
import { when } from '../account/frame.ts'
import { OWN_UNDO_SCRIPT, ownUndoForm, signatureIn } from '../account/own-undo.ts'
import { type Html, html, latin, type View, type Visit } from '../index.ts'
import { durationText, hostName } from './amounts.ts'

export const LOST_HOST_PATH = '/account/lost-host'

export type ForkParts = Pick<
  Pds,
  'accounts' | 'directory' | 'heldWrites' | 'host' | 'now' | 'otherHosts' | 'plc' | 'standing'
>

const words = {
  ar: {
    title: 'ما تغيّر في آخر ٧٢ ساعة',
    lead: 'إن لم تكن أنت من فعله فمفتاح أعلى من الذي وقّعه يُبطله، ويُبطل كل ما جاء بعده.',
    left: 'يبقى للتراجع',
    until: 'حتى',
    signer: 'وقّعه',
    none: 'لا مفتاح أعلى من الذي وقّع هذا، فلا يُتراجع عنه.',
    undo: 'لم أفعل هذا: تراجع بمفتاحي',
    changes: {
      handle: 'الاسم',
      host: 'المضيف',
      signingKey: 'مفتاح التوقيع',
      rotationKeys: 'المفاتيح التي تملك الهوية',
      other: 'أشياء أخرى',
      ended: 'أُنهيت الهوية',
    },
    same: 'لا شيء ظاهر',
    signTitle: 'عُد بمفتاحك',
    signLead: 'تعود هويتك كما كانت قبل هذا التغيير. يوقّع متصفحك بكلمات ورقتك ولا يرسلها.',
    undoes: 'ما يُبطَل',
    stands: 'كيف تصير هويتك',
    host: 'المضيف',
    handle: 'الاسم',
    nobody: 'لا مضيف',
    written:
      'ما كتبته عند المضيف الآخر بعد التغيير لا يأتي معك من نفسه. إن احتجت إليه فخذه من هناك أولًا بالأمر',
    over: 'انقضى الوقت، أو أُبطل هذا من قبل. لم يتغير شيء.',
    wrong: 'لم يوقّعه مفتاح أعلى، أو تغيّرت الهوية منذ فتحت الصفحة. لم يتغير شيء: ابدأ من جديد.',
    refused: 'رفض سجل الهويات ذلك. لم يتغير شيء.',
    doneTitle: 'عُدت',
    done: 'أُبطل التغيير، وهويتك كما كانت.',
    here: 'وحسابك هنا مفتوح من جديد، ويقول ذلك للشبكة كلها.',
    there: 'ادخل إلى حسابك عند مضيفك. إن وجدته متوقفًا فافتحه من صفحة',
    signIn: 'ادخل',
    again: 'ثم غيّر كلمة مرورك: من غيّر هويتك قد يعرفها.',
    back: 'رجوع',
  },
  en: {
    title: 'What changed within the last 72 hours',
    lead: 'If it was not you: a key that ranks above the one that signed it takes it back, with all that followed.',
    left: 'Left to undo it',
    until: 'until',
    signer: 'Signed by',
    none: 'No key ranks above the one that signed this: it cannot be undone.',
    undo: 'It was not me: undo it with my key',
    changes: {
      handle: 'the handle',
      host: 'the host',
      signingKey: 'the signing key',
      rotationKeys: 'the keys that own the identity',
      other: 'other things',
      ended: 'the identity was ended',
    },
    same: 'nothing that shows',
    signTitle: 'Come back by your key',
    signLead:
      'Your identity stands again as it stood before this change. Your browser signs with the words of your sheet, and does not send them.',
    undoes: 'What is undone',
    stands: 'How your identity stands then',
    host: 'Host',
    handle: 'Handle',
    nobody: 'no host',
    written:
      'What you wrote at the other host after the change does not come along by itself. If you need it, take it from there first, with',
    over: 'The time is over, or this was undone before. Nothing has changed.',
    wrong:
      'No key that ranks above signed it, or the identity has changed since you opened the page. Nothing has changed: begin again.',
    refused: 'The directory of identities refused it. Nothing has changed.',
    doneTitle: 'You are back',
    done: 'The change is undone, and your identity stands as it stood before.',
    here: 'Your account here is open again, and tells the network so.',
    there: 'Sign in at your host. If the account is paused there, open it at the page',
    signIn: 'Sign in',
    again: 'Then change your password: whoever changed your identity may know it.',
    back: 'Back',
  },
}

interface Fork extends PlcUndo {
  entry: PlcLogEntry
  changes: PlcChange[]
}

/** What can be taken back still, by somebody's key, oldest first. */
function forksOf({ valid }: PlcLogState, nowMs: number): Fork[] {
  return valid.slice(1).flatMap((entry, i) => {
    if (nowMs - Date.parse(entry.createdAt) >= PLC_RECOVERY_MS) return []
    const changes = plcChanges(valid[i]!, entry)
    return [{ ...planPlcUndo(valid, entry.cid), entry, changes }]
  })
}

/** Recent changes, each with the time that is left; undefined where there are none. */
export function forksPart(
  visit: Visit,
  { log, nowMs, path }: { log: PlcLogState; nowMs: number; path: string },
): Html | undefined {
  const w = visit.words(words)
  const forks = forksOf(log, nowMs)
  if (forks.length === 0) return undefined
  return html`<section><h2>${w.title}</h2><p>${w.lead}</p>
<ul class="rows">${forks.map(
    (fork) => html`<li><div><strong>${when(visit, Date.parse(fork.entry.createdAt))}</strong>
<span class="hint">${namesOf(visit, fork)}</span>
<span class="hint">${w.signer}: ${latin(fork.signer)}</span>
${fork.above.length > 0 ? clock(visit, fork, nowMs) : html`<p class="hint">${w.none}</p>`}</div>
${
  fork.above.length > 0 &&
  html`<form method="post" action="${path}" class="buttons">${visit.token}<input type="hidden" name="name" value="${log.did}"><button class="button small" name="undo" value="${fork.entry.cid}">${w.undo}</button></form>`
}</li>`,
  )}</ul></section>`
}

/** The script lets it run down. */
function clock(visit: Visit, { untilMs }: PlcUndo, nowMs: number): Html {
  const w = visit.words(words)
  const left = durationText(visit, (untilMs - nowMs) / 1_000)
  return html`<p>${w.left}: <strong data-until="${String(untilMs)}">${left}</strong> <span class="hint">${w.until} ${when(visit, untilMs)}</span></p>`
}

function namesOf(visit: Visit, { changes, undone, entry }: Fork): Html {
  const w = visit.words(words)
  const names = changes.map((change) => w.changes[change])
  const comma = visit.language === 'ar' ? '، ' : ', '
  const host = undone.find(({ cid }) => cid === entry.cid)
  const now = host && plcState(host.operation)?.services.atproto_pds?.endpoint
  return html`${names.join(comma) || w.same}${changes.includes('host') && now !== undefined && html` · ${latin(hostName(now))}`}`
}

/** What will be undone, how the identity stands then, and the form that signs it. */
export function forkView(
  visit: Visit,
  { log, cid, nowMs }: { log: PlcLogState; cid: string; nowMs: number },
): View {
  const w = visit.words(words)
  const fork = forksOf(log, nowMs).find(({ entry }) => entry.cid === cid)
  if (!fork || fork.above.length === 0) return problemView(visit, w.over)
  const { operation, undone, above } = fork
  const handle = operation.alsoKnownAs.find((one) => one.startsWith('at://'))
  const { atproto_pds: host } = operation.services
  return {
    title: w.signTitle,
    scripts: [OWN_UNDO_SCRIPT],
    body: html`<h1>${w.signTitle}</h1><p class="lead">${w.signLead}</p>
${clock(visit, fork, nowMs)}
<section><h2>${w.undoes}</h2><ul class="rows">${undone.map((entry) => {
      const at = log.valid.indexOf(entry)
      const changes = plcChanges(log.valid[at - 1]!, entry)
      return html`<li><div><strong>${when(visit, Date.parse(entry.createdAt))}</strong><span class="hint">${namesOf(visit, { ...fork, entry, changes })}</span></div></li>`
    })}</ul></section>
<section><h2>${w.stands}</h2><dl class="facts"><dt>${w.handle}</dt><dd>${handle ? latin(`@${handle.slice('at://'.length)}`) : '–'}</dd>
<dt>${w.host}</dt><dd>${host ? latin(host.endpoint) : w.nobody}</dd></dl>
<p class="hint">${w.written} ${latin('falaj export')}.</p></section>
${ownUndoForm(visit, {
  ...{ path: LOST_HOST_PATH, did: log.did, cid, keys: above, operation },
  hidden: html`<input type="hidden" name="name" value="${log.did}">`,
})}
<p><a class="button quiet" href="${LOST_HOST_PATH}">${w.back}</a></p>`,
  }
}

/**
 * Hands the change in where a key that ranks above signed exactly it. An account of this host that the
 * identity names again is opened: it says so in a commit above every rev known. Throws UpstreamError.
 */
export async function submitFork(
  pds: ForkParts,
  visit: Visit,
  { log, cid, sig }: { log: PlcLogState; cid: string; sig: string },
): Promise<View> {
  const w = visit.words(words)
  const fork = forksOf(log, pds.now()).find(({ entry }) => entry.cid === cid)
  if (!fork) return problemView(visit, w.over)
  const signed = { ...fork.operation, sig: signatureIn(sig) }
  if (plcSignerIndex(signed, fork.above) < 0) return problemView(visit, w.wrong)
  try {
    await pds.plc.submit(log.did, signed)
  } catch (error) {
    if (error instanceof XrpcError || error instanceof ProtocolError) {
      return problemView(visit, w.refused)
    }
    throw error
  }
  pds.directory.forget(log.did)
  const isHere = await open(pds, log)
  const home = signed.services.atproto_pds?.endpoint ?? ''
  return {
    title: w.doneTitle,
    body: html`<h1>${w.doneTitle}</h1><p class="notice" data-tone="good" role="status">${w.done} ${isHere && w.here}</p>
<dl class="facts"><dt>${w.host}</dt><dd>${latin(home)}</dd></dl>
<p>${isHere ? html`<a class="button" href="/account">${w.signIn}</a>` : html`${w.there} <a href="${home}/account/leaving">${latin(`${hostName(home)}/account/leaving`)}</a>`}</p>
<p>${w.again}</p>`,
  }
}

/** An account that left this host, or was taken from it, and is named here again. */
async function open(
  { accounts, directory, heldWrites, host, standing }: ForkParts,
  { did }: PlcLogState,
): Promise<boolean> {
  const account = await accounts.get(did)
  const document = account && (await directory.document(did, { fresh: true }))
  const identity = document && identityOf(document)
  if (!account || identity?.pds !== host.publicUrl) return false
  if (identity.signingKey !== account.signingKey.publicKey.didKey) return false
  if (account.status === 'deactivated') {
    await standing.activate(account)
    heldWrites.release(did)
  } else await standing.announceIdentity(did, account.handle)
  return true
}

function problemView(visit: Visit, text: string): View {
  const w = visit.words(words)
  return {
    title: w.signTitle,
    status: 400,
    body: html`<h1>${w.signTitle}</h1><p class="notice" data-tone="bad" role="alert">${text}</p>
<p><a class="button quiet" href="${LOST_HOST_PATH}">${w.back}</a></p>`,
  }
}
