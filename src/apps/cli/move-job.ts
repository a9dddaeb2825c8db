/** Moves that the new host does itself: `falaj move` starts them, watches, and decides. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ComAtprotoIdentityRequestPlcOperationSignature } from '@atcute/atproto'
import { ConfigError } from '#platform/runtime'
import {
  abandonMove,
  confirmMove,
  confirmPassword,
  getMove,
  isUnknownMethod,
  type MoveBegun,
  type MoveView,
  moveBack,
  type OwnerSession,
  pauseMove,
  planMoveHere,
  resumeMove,
  resumeSession,
  type SignedReceipt,
  signIn,
  startMove,
} from '#protocol/account'
import { ProtocolError } from '#protocol/syntax'
import { type Fetch, XrpcError, xrpcClient } from '#protocol/xrpc'
import { type Flags, readFlags, readOrigin, requireFlags } from './flags.ts'
import { ownerNetwork } from './owner-network.ts'
import { ask, endProgress, showProgress, tell } from './terminal.ts'

export const MOVE_VERBS = ['watch', 'pause', 'resume', 'abandon', 'back'] as const
type Verb = (typeof MOVE_VERBS)[number]

const FLAGS = {
  to: 'value',
  handle: 'value',
  'password-file': 'value',
  code: 'value',
  json: 'switch',
} as const
/** A host that is being started again is asked once a second, for five minutes. */
const AWAY_TRIES = 300

interface Asking {
  fetch: Fetch
  source: OwnerSession
  destination: string
  password: string
  email?: string | undefined
  inviteCode?: string | undefined
  label(step: string): string
}

/** Starts the job and follows it to its receipt. Undefined when the new host does no such jobs. */
export async function moveByJob(asking: Asking): Promise<SignedReceipt | undefined> {
  const { fetch, source, destination, password, email, inviteCode } = asking
  const there = xrpcClient({ service: destination, fetch })
  const { accessJwt, refreshJwt } = source.state
  const given = { source: source.state.service, session: { accessJwt, refreshJwt } }
  try {
    await there.post(planMoveHere, given)
  } catch (error) {
    // What does not know the method says so in one of these ways.
    const isUnknown = isUnknownMethod(error)
    if (isUnknown || (error instanceof XrpcError && [401, 404].includes(error.status))) {
      return undefined
    }
    throw error
  }
  const code = await codeByPassword(source, password)
  const begun = await there.post(startMove, { ...given, password, email, inviteCode, code })
  const { did, handle } = begun.move
  const session = resumeSession({ service: destination, did, handle, ...begun }, { fetch })
  return follow(session, begun.move, asking.label)
}

/** Where the old host sends no mail, the password stands for the letter. */
async function codeByPassword({ client }: OwnerSession, password: string) {
  try {
    return (await client.post(confirmPassword, { password, purpose: 'plc-operation' })).code
  } catch (error) {
    if (error instanceof XrpcError && (error.status < 500 || isUnknownMethod(error)))
      return undefined
    throw error
  }
}

/** Tells what happens until it ends. Throws when it failed or was given up. */
async function follow(
  session: OwnerSession,
  first: MoveView,
  label: (step: string) => string,
): Promise<SignedReceipt> {
  let move = first
  let isToldWhat = false
  for (;;) {
    showProgress(
      `${label(move.step)}${paceOf(move)}`,
      move.step === 'blobs' ? move.blobs : undefined,
    )
    switch (move.state) {
      case 'done':
        endProgress()
        return move.receipt!
      case 'failed':
      case 'paused':
      case 'abandoned':
        endProgress()
        throw new ProtocolError(
          'NotDone',
          `the move is ${move.state}: ${move.problem ?? 'by hand'}`,
        )
      case 'waiting':
        if (move.needs === 'code') {
          const code = await ask('Code from the letter that was just sent')
          move = (await session.client.post(confirmMove, { id: move.id, code })).move
          continue
        }
        if (!isToldWhat) tellDocument(move)
        isToldWhat = true
    }
    move = await next(session, move)
  }
}

/** How much has come, how fast, how long still, and what is in the way. */
function paceOf({ bytes, bytesPerSecond, secondsLeft, problem }: MoveView): string {
  const said = [
    bytes && megabytes(bytes),
    bytesPerSecond && `${megabytes(bytesPerSecond)}/s`,
    secondsLeft && `about ${secondsLeft} s left`,
    problem,
  ].filter(Boolean)
  return said.length === 0 ? '' : ` (${said.join(', ')})`
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

async function next({ client }: OwnerSession, { id, version }: MoveView): Promise<MoveView> {
  for (let tries = 1; ; tries++) {
    try {
      return (await client.get(getMove, { id, after: version })).move
    } catch (error) {
      const isAway = error instanceof XrpcError && error.status >= 500
      if (!isAway || tries === AWAY_TRIES) throw error
      await sleep(1_000)
    }
  }
}

function tellDocument({ wanted }: MoveView): void {
  process.stderr.write(
    `\nThe identity is a domain of yours: its /.well-known/did.json has to name\n${JSON.stringify(wanted, null, 2)}\nThe rest of it stays as it is. The move goes on by itself when it does.\n`,
  )
}

/** `falaj move watch|pause|resume|abandon|back`: decisions about the newest move into a host. */
export async function runMoveVerb(
  verb: Verb,
  args: readonly string[],
  deps: {
    label(step: string): string
    readPassword(flags: Flags): Promise<string>
    describe(receipt: SignedReceipt): string
  },
): Promise<number> {
  const { flags } = readFlags(args, FLAGS)
  const { to, handle } = requireFlags(flags, ['to', 'handle'])
  const network = ownerNetwork()
  const fetch = network.fetch as Fetch
  try {
    const service = readOrigin('to', to)
    const password = await deps.readPassword(flags)
    const session = await signIn({ service, fetch }, handle, password, {
      askFactor: () => ask('Code of your second factor'),
    })
    const { move } = await session.client.get(getMove, {})
    const { id } = move
    switch (verb) {
      case 'watch': {
        const receipt = await follow(session, move, deps.label)
        return tell(flags, receipt, deps.describe(receipt))
      }
      case 'back': {
        const given = typeof flags.code === 'string' ? flags.code : undefined
        const begun = await wayBack(session, { id, password, code: given })
        const back = resumeSession(
          { service: begun.move.to, did: move.did, handle: move.handle, ...begun },
          { fetch },
        )
        const receipt = await follow(back, begun.move, deps.label)
        return tell(flags, receipt, deps.describe(receipt))
      }
      default: {
        const schema = { pause: pauseMove, resume: resumeMove, abandon: abandonMove }[verb]
        const { move: after } = await session.client.post(schema, { id })
        return tell(flags, after, `The move is ${after.state}.\n`)
      }
    }
  } finally {
    await network.close()
  }
}

/** Where the host sends mail, the code of its letter is asked for. */
async function wayBack(
  { client }: OwnerSession,
  given: { id: string; password: string; code: string | undefined },
): Promise<MoveBegun> {
  try {
    return await client.post(moveBack, given)
  } catch (error) {
    if (!(error instanceof XrpcError) || error.error !== 'MailRequired') throw error
  }
  await client.post(ComAtprotoIdentityRequestPlcOperationSignature.mainSchema, undefined)
  const code = await ask('Code from the letter that was just sent')
  return client.post(moveBack, { ...given, code })
}

/** Throws ConfigError for a word that is none. */
export function readVerb(word: string | undefined): Verb | undefined {
  if (word === undefined || word.startsWith('-')) return undefined
  const verb = MOVE_VERBS.find((one) => one === word)
  if (verb) return verb
  throw new ConfigError([`falaj move ${word}: not one of ${MOVE_VERBS.join(', ')}`])
}
