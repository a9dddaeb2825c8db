import type { MoveView } from '#protocol/account'
import { type PlcCredentials, UpstreamError } from '#protocol/identity'
import { XrpcError } from '#protocol/xrpc'
import { mailCode } from '../../methods/mail-code.ts'
import { MOVE_HERE_PATH } from '../../moves/index.ts'
import type { Pds } from '../../parts.ts'
import { identityRates, passwordRates, signUpRates } from '../../rates.ts'
import { doneText, framed, type Told } from '../account/frame.ts'
import { type Owner, requireAccount } from '../account/require-account.ts'
import {
  type Download,
  type FormVisit,
  html,
  notFound,
  type Page,
  type Reply,
  redirect,
  type View,
  type Visit,
} from '../index.ts'
import { awayBody } from './away.ts'
import { moveWords } from './move-words.ts'
import { movePicture } from './picture.ts'
import { liveParts } from './watching.ts'

type Parts = Pick<
  Pds,
  'accounts' | 'codes' | 'devices' | 'factors' | 'host' | 'mail' | 'moves' | 'now' | 'otherHosts'
>

const PATH = '/account/move'
const SCRIPT = 'move.js'
/** Browsers without scripts look again so often. */
const REFRESH_S = 5

/** A move into this host, watched and decided about; without one, the way to move away. */
export const movePage = (pds: Parts): Page => ({
  path: PATH,
  async get(visit) {
    const owner = await requireAccount(pds, visit)
    if ('redirect' in owner) return owner
    return show(pds, visit, owner, doneText(visit, visit.words(moveWords).done))
  },
  async post(visit) {
    const owner = await requireAccount(pds, visit)
    if ('redirect' in owner) return owner
    try {
      return await act(pds, visit, owner)
    } catch (error) {
      const text = visit.words(moveWords).problems[problemOf(error)]!
      return show(pds, visit, owner, { tone: 'bad', text })
    }
  },
})

async function act(pds: Parts, visit: FormVisit, owner: Owner): Promise<Reply> {
  const { form } = visit
  const { account } = owner
  const id = form.text('id', 100)
  const here = `${PATH}?${new URLSearchParams({ id })}`
  switch (form.text('do', 20)) {
    case 'pause':
      await pds.moves.pause(account, id)
      return redirect(here)
    case 'resume':
      await pds.moves.resume(account, id)
      return redirect(here)
    case 'confirm':
      await visit.limit(passwordRates, { caller: account })
      await pds.moves.confirm(account, id, form.text('code', 40).toUpperCase())
      return redirect(here)
    case 'letter':
      await visit.limit(identityRates, { caller: account })
      await pds.moves.askForLetter(account, id)
      return redirect(`${here}&done=letter`)
    case 'abandon':
      await pds.moves.abandon(account, id)
      return redirect(`${MOVE_HERE_PATH}?done=abandoned`)
    case 'code':
      await mailCode(pds, account, 'plc-operation', visit.request)
      return redirect(`${here}&done=mailed`)
    case 'back': {
      await visit.limit(passwordRates, { caller: account })
      const code = form.text('code', 40).toUpperCase() || undefined
      await pds.moves.wayBack(account, { id, password: form.raw('password', 512), code })
      return redirect(`${here}&done=back`)
    }
    case 'look':
      await visit.limit(signUpRates, {})
      return awayFrom(pds, visit, owner, form.text('address', 300))
    default:
      return redirect(PATH)
  }
}

/** The name of what to say. Throws what is a fault of ours. */
function problemOf(error: unknown): string {
  if (error instanceof UpstreamError) return 'away'
  if (!(error instanceof XrpcError)) throw error
  const { error: name, status, message } = error
  const named: Readonly<Record<string, string>> = {
    AuthenticationRequired: 'password',
    InvalidToken: 'code',
    ExpiredToken: 'code',
    MailRequired: 'mail',
    NotNow: 'now',
  }
  if (named[name]) return named[name]
  // Others have their own pages: too many tries, and what is not there.
  if (status === 429 || status === 404) throw error
  if (message.includes('no email address')) return 'email'
  return status === 502 || status === 503 || status === 504 ? 'away' : 'other'
}

const isOpen = ({ state }: MoveView) => state !== 'done' && state !== 'abandoned'

/** The move that is named, else the newest that there is something to decide about. */
async function chosen({ moves, now }: Parts, visit: Visit, { account }: Owner) {
  const id = visit.query.get('id')
  if (id === null) {
    const [newest] = await moves.list(account)
    const isFresh = newest?.wayBackUntil !== undefined && Date.parse(newest.wayBackUntil) > now()
    return newest && (isOpen(newest) || (isFresh && account.status === 'active'))
      ? newest
      : undefined
  }
  const after = Number(visit.query.get('after') ?? Number.NaN)
  const { signal } = visit.request
  return moves.get(account, { id, ...(Number.isInteger(after) && { after }) }, signal)
}

async function show(pds: Parts, visit: Visit, owner: Owner, told?: Told): Promise<View> {
  const move = await chosen(pds, visit, owner)
  return move ? watching(pds, visit, owner, move, told) : awayFrom(pds, visit, owner, '', told)
}

async function watching(
  pds: Parts,
  visit: Visit,
  owner: Owner,
  move: MoveView,
  told?: Told,
): Promise<View> {
  const w = visit.words(moveWords)
  const wanted = move.wanted as PlcCredentials | undefined
  const document =
    move.needs === 'document' && wanted
      ? await pds.otherHosts.documentOf(move.did, wanted)
      : undefined
  const byMail = pds.mail.leavesHost
  const { said, region } = liveParts(visit, move, { document, byMail, nowMs: pds.now() })
  const isAsking = move.state === 'waiting' && move.needs === 'code'
  const view = framed(visit, owner, {
    title: w.titles[move.state],
    told,
    scripts: isOpen(move) ? [SCRIPT] : [],
    body: html`<p class="lead" role="status" aria-live="polite" data-said>${said}</p>
<p class="notice" data-tone="warm" role="status" data-away hidden>${w.lost}</p>
${movePicture(move)}
${region}`,
  })
  return { ...view, ...(isOpen(move) && !isAsking && { refreshSeconds: REFRESH_S }) }
}

async function awayFrom(pds: Parts, visit: Visit, owner: Owner, address: string, told?: Told) {
  const w = visit.words(moveWords)
  const { account } = owner
  const { host, otherHosts, moves } = pds
  const found = address === '' ? undefined : await otherHosts.look(address)
  const home =
    account.status === 'active'
      ? host.publicUrl
      : await otherHosts.homeOf(account.did, { fresh: true })
  return framed(visit, owner, {
    title: w.title,
    told: told ?? (address !== '' && !found ? { tone: 'bad' as const, text: w.nobody } : undefined),
    body: awayBody(visit, {
      account,
      host: host.publicUrl,
      home: home === host.publicUrl ? undefined : home,
      address,
      found,
      earlier: await moves.list(account),
    }),
  })
}

/** The signed receipt of a move, to keep. */
export const moveReceiptPage = (pds: Parts): Page => ({
  path: '/account/move/receipt.json',
  async get(visit) {
    const owner = await requireAccount(pds, visit)
    if ('redirect' in owner) return owner
    const { receipt, handle } = await named(pds, visit, owner)
    if (!receipt) throw notFound()
    return file(`${handle}-move-receipt.json`, receipt)
  },
})

/** What the owner of a domain publishes there. */
export const moveDocumentPage = (pds: Parts): Page => ({
  path: '/account/move/did.json',
  async get(visit) {
    const owner = await requireAccount(pds, visit)
    if ('redirect' in owner) return owner
    const { did, wanted } = await named(pds, visit, owner)
    if (!wanted) throw notFound()
    const { document } = await pds.otherHosts.documentOf(did, wanted as PlcCredentials)
    return file('did.json', document)
  },
})

function named({ moves }: Parts, visit: Visit, { account }: Owner): Promise<MoveView> {
  const id = visit.query.get('id') ?? ''
  return moves.get(account, { id }, visit.request.signal)
}

function file(name: string, value: object): Download {
  const headers = {
    'content-type': 'application/json',
    'content-disposition': `attachment; filename="${name}"`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  }
  return { download: { status: 200, headers, body: `${JSON.stringify(value, undefined, 2)}\n` } }
}
