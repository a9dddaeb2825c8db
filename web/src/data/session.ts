/**
 * Who is signed in here, at which host, and calls in their name.
 *
 * Sessions live in this browser's storage and are shared by its tabs: whoever refreshes a token
 * stores it for all of them, under a lock, because a refresh token can be used once.
 */
import { computed, signal } from '@preact/signals'
import { labelerHeader, viewService } from './services.ts'
import { type Stored, sessionStore } from './session-store.ts'
import { CallError, type CallOptions, procedure, query, request } from './xrpc.ts'

export type Session = Stored

const store = sessionStore()
export const sessions = signal<readonly Session[]>(store.read().sessions)
const active = signal(store.read().active)

/** The person the page belongs to, or undefined for a visitor. */
export const me = computed(() => sessions.value.find(({ did }) => did === active.value))

addEventListener('storage', () => {
  const { sessions: list, active: did } = store.read()
  sessions.value = list
  active.value = did
})

function keep(list: readonly Session[], did: string | undefined): void {
  store.write({ sessions: [...list], active: did })
  sessions.value = list
  active.value = did
}

/** Adds or replaces a session and makes it the active one. */
export function enter(session: Session): void {
  keep([...sessions.peek().filter(({ did }) => did !== session.did), session], session.did)
}

export function switchTo(did: string): void {
  keep(sessions.peek(), did)
}

function change(did: string, fields: Partial<Session>): void {
  const list = sessions.peek().map((one) => (one.did === did ? { ...one, ...fields } : one))
  keep(list, active.peek())
}

/** Ends the active session, here and at its host; the host's answer is not waited for. */
export function leave(): void {
  const session = me.peek()
  if (!session) return
  const headers = { authorization: `Bearer ${session.refreshJwt}` }
  procedure(session.pds, 'com.atproto.server.deleteSession', { headers }).catch(() => {})
  const rest = sessions.peek().filter(({ did }) => did !== session.did)
  keep(rest, rest[0]?.did)
}

interface SessionAnswer {
  did: string
  handle: string
  email?: string
  accessJwt: string
  refreshJwt: string
  active?: boolean
  status?: string
}

/** Turns a server's answer (createSession, createAccount) into the active session at `pds`. */
export function enterWith(pds: string, answer: SessionAnswer): Session {
  const { did, handle, email, accessJwt, refreshJwt, status } = answer
  const session = { did, handle, email, accessJwt, refreshJwt, status, pds }
  enter(session)
  return session
}

/** Signs in at `pds`. `code` is the one-time code when the host asked for one. */
export async function signIn(pds: string, identifier: string, password: string, code?: string) {
  const answer = await procedure<SessionAnswer>(pds, 'com.atproto.server.createSession', {
    body: { identifier, password, ...(code ? { authFactorToken: code } : {}) },
  })
  return enterWith(pds, answer)
}

// Calls about app.bsky go on from the person's host to the app view that this page names, so that
// people of any host see the same views here.
const proxied = (nsid: string) => nsid.startsWith('app.bsky.') && !hostAnswers.has(nsid)
const hostAnswers = new Set(['app.bsky.actor.getPreferences', 'app.bsky.actor.putPreferences'])

function headersFor(session: Session, nsid: string, extra?: Record<string, string>) {
  const headers: Record<string, string> = {
    ...extra,
    authorization: `Bearer ${session.accessJwt}`,
  }
  if (!proxied(nsid)) return headers
  const view = viewService().did
  if (view) headers['atproto-proxy'] = `${view}#bsky_appview`
  return { ...headers, ...labelerHeader() }
}

/** Asks in the name of the person, through their own host. */
export function ask<T>(nsid: string, options: CallOptions = {}): Promise<T> {
  return inName((session) =>
    query<T>(session.pds, nsid, {
      ...options,
      headers: headersFor(session, nsid, options.headers),
    }),
  )
}

/** Calls a procedure in the name of the person. */
export function act<T = unknown>(nsid: string, options: CallOptions = {}): Promise<T> {
  return inName((session) =>
    procedure<T>(session.pds, nsid, {
      ...options,
      headers: headersFor(session, nsid, options.headers),
    }),
  )
}

/** A bare response in the name of the person, for downloads. */
export function fetchMine(nsid: string, options: CallOptions = {}): Promise<Response> {
  return inName((session) =>
    request('GET', session.pds, nsid, {
      ...options,
      headers: headersFor(session, nsid, options.headers),
    }),
  )
}

/** Whether the person's own host did not answer when it was last asked. */
export const hostAway = signal(false)

const isSilent = (error: unknown) =>
  error instanceof CallError && (error.error === 'Unreachable' || error.error === 'Timeout')

/**
 * Reads what anybody may read: in the person's name when signed in, else from the app view itself.
 * When the person's own host does not answer, reading goes on directly: one layer down is not two.
 */
export async function read<T>(nsid: string, options: CallOptions = {}): Promise<T> {
  const session = me.peek()
  if (!session || session.expired) return query<T>(viewService().url, nsid, options)
  try {
    return await ask<T>(nsid, options)
  } catch (error) {
    if (!isSilent(error)) throw error
    return query<T>(viewService().url, nsid, options)
  }
}

async function inName<T>(work: (session: Session) => Promise<T>): Promise<T> {
  const session = me.peek()
  if (!session || session.expired) throw signedOut(session?.pds ?? '')
  try {
    const answer = await work(session)
    hostAway.value = false
    return answer
  } catch (error) {
    if (error instanceof CallError && error.error !== 'Aborted') hostAway.value = isSilent(error)
    if (!tokenExpired(error)) throw error
    return work(await refresh(session))
  }
}

function tokenExpired(error: unknown): boolean {
  if (!(error instanceof CallError)) return false
  return error.error === 'ExpiredToken' || (error.status === 401 && error.error !== 'AuthMissing')
}

const signedOut = (host: string) =>
  new CallError({ status: 401, error: 'SignedOut', message: 'not signed in', host })

const refreshing = new Map<string, Promise<Session>>()

/** A session with fresh tokens; callers that need one at the same time share it. */
export function refresh(stale: Session): Promise<Session> {
  const running = refreshing.get(stale.did)
  if (running) return running
  const started = underLock(`falaj.refresh.${stale.did}`, () => renew(stale)).finally(() =>
    refreshing.delete(stale.did),
  )
  refreshing.set(stale.did, started)
  return started
}

function underLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  return navigator.locks ? navigator.locks.request(name, work) : work()
}

async function renew(stale: Session): Promise<Session> {
  // Another tab may have renewed it while we waited for the lock.
  const stored = store.read().sessions.find(({ did }) => did === stale.did)
  if (stored && !stored.expired && stored.accessJwt !== stale.accessJwt) {
    change(stale.did, stored)
    return stored
  }
  const current = stored ?? stale
  try {
    const answer = await procedure<SessionAnswer>(
      current.pds,
      'com.atproto.server.refreshSession',
      { headers: { authorization: `Bearer ${current.refreshJwt}` } },
    )
    const fresh = { ...current, ...fieldsOf(answer) }
    change(current.did, fresh)
    return fresh
  } catch (error) {
    // A refused token ends the session; a network that is down does not.
    const ended = error instanceof CallError && (error.status === 400 || error.status === 401)
    if (!ended) throw error
    change(current.did, { expired: true })
    throw signedOut(current.pds)
  }
}

function fieldsOf({ handle, email, accessJwt, refreshJwt, status }: SessionAnswer) {
  return { handle, accessJwt, refreshJwt, status, ...(email ? { email } : {}) }
}

/** Keeps what the host says of the account itself: its handle, its standing. */
export function noteAccount(did: string, fields: Pick<Session, 'handle' | 'status'>): void {
  change(did, fields)
}

/** Notes that the account lives at another host now, or that it does not after all. */
export function noteHost(did: string, movedTo: string | undefined): void {
  const known = sessions.peek().find((session) => session.did === did)
  if (known && known.movedTo !== movedTo) change(did, { movedTo })
}

/** Forgets every session on this device, without telling any host. */
export function forgetEverybody(): void {
  keep([], undefined)
}
