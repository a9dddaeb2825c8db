/**
 * Moving the account to another host: the engine of `protocol/account`, brought in when it is
 * needed, and what this device remembers of a move that is under way.
 */
import type { MoveProgress, MoveReceipt, MoveState, Preflight } from 'falaj/protocol/account'
import { network } from '../app/config.ts'
import { enter, me, type Session } from './session.ts'

export type { MoveReceipt, MoveState, Preflight }

/** The steps as people are told them, in order. */
export const steps = [
  'account',
  'repo',
  'blobs',
  'preferences',
  'sign',
  'switch',
  'activate',
  'leave',
  'verify',
] as const satisfies readonly Exclude<MoveState['step'], 'done'>[]

export type Step = (typeof steps)[number]

const engine = () => import('falaj/protocol/account')

async function directory() {
  const { plcClient } = await import('falaj/protocol/identity')
  return plcClient({ plcUrl: network().plc, fetch: ask })
}

const ask: typeof fetch = (input, init) => fetch(input, init)

/** What a move to `destination` would do, without doing any of it. */
export async function check(session: Session, destination: string): Promise<Preflight> {
  const { preflight, resumeSession } = await engine()
  const { did, handle, accessJwt, refreshJwt, pds } = session
  const kept = { service: pds, did, handle, accessJwt, refreshJwt }
  const source = resumeSession(kept as Parameters<typeof resumeSession>[0], {
    fetch: ask,
    // Tokens that are renewed here are the page's own.
    changed: (tokens) => {
      const { accessJwt: access, refreshJwt: fresh } = tokens
      enter({ ...session, accessJwt: access, refreshJwt: fresh })
    },
  })
  return preflight({ source, destination, plc: await directory(), fetch: ask })
}

export interface Answers {
  password: string
  email?: string
  inviteCode?: string
  /** Asks for the code that the old host has mailed. */
  askCode(): Promise<string>
}

/** Plans a move that the check found possible. The password is checked at the old host first. */
export async function plan(session: Session, found: Preflight, password: string) {
  const { planMove, signIn } = await engine()
  const source = await signIn({ service: session.pds, fetch: ask }, session.did, password)
  const state = planMove(source, found, Date.now())
  keepMove(state)
  return state
}

/** Goes on with a move until its end, or until it throws; what it did is kept either way. */
export async function* goOn(
  state: MoveState,
  answers: Answers,
): AsyncGenerator<MoveProgress, MoveReceipt> {
  const { move } = await engine()
  const { password, email, inviteCode, askCode } = answers
  const receipt = yield* move(state, {
    fetch: ask,
    plc: await directory(),
    now: Date.now,
    save: keepMove,
    password,
    email: email || undefined,
    inviteCode: inviteCode || undefined,
    askCode,
    streamUploads: false,
  })
  arrive(state)
  return receipt
}

/** From now on this page belongs to the account at its new host. */
function arrive({ did, handle, arrived }: MoveState): void {
  if (!arrived || me.peek()?.did !== did) return
  const { service, accessJwt, refreshJwt } = arrived
  enter({ did, handle, pds: service, accessJwt, refreshJwt, email: me.peek()?.email })
}

const key = (did: string) => `falaj.move.${did}`

/** The move of this account that this device remembers: unfinished, or finished with its receipt. */
export function keptMove(did: string): MoveState | undefined {
  try {
    const text = localStorage.getItem(key(did))
    return text === null ? undefined : (JSON.parse(text) as MoveState)
  } catch {
    return undefined
  }
}

function keepMove(state: MoveState): void {
  try {
    localStorage.setItem(key(state.did), JSON.stringify(withoutTokens(state)))
  } catch {}
}

/** A finished move needs no tokens any more, and its receipt is shown to people. */
function withoutTokens(state: MoveState): MoveState {
  if (state.step !== 'done') return state
  const none = { accessJwt: '', refreshJwt: '' }
  const arrived = state.arrived && { ...state.arrived, ...none }
  return { ...state, source: { ...state.source, ...none }, arrived }
}

/** Forgets the move; up to the switch nothing has changed for anybody. */
export function dropMove(did: string): void {
  try {
    localStorage.removeItem(key(did))
  } catch {}
}

/** Whether giving up now leaves everything as it was. */
export function canDrop(state: MoveState): boolean {
  return steps.indexOf(state.step as Step) < steps.indexOf('switch')
}
