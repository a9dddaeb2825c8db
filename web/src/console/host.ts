/** The host the console speaks to, and the operator who speaks. Kept for this tab only. */
import { signal } from '@preact/signals'
import { CallError, type Params, procedure, query } from '../data/xrpc.ts'

export interface Operator {
  /** Origin of the host. */
  service: string
  name: string
  password: string
}

const KEY = 'falaj.console'

export const operator = signal<Operator | undefined>(restored())

function restored(): Operator | undefined {
  try {
    const text = sessionStorage.getItem(KEY)
    return text ? (JSON.parse(text) as Operator) : undefined
  } catch {
    return undefined
  }
}

/** Signs in when the host knows name and password; throws CallError otherwise. */
export async function signIn(who: Operator): Promise<void> {
  await query(who.service, 'app.falaj.admin.listLetters', {
    params: { limit: 1 },
    headers: headersOf(who),
  })
  operator.value = who
  try {
    sessionStorage.setItem(KEY, JSON.stringify(who))
  } catch {}
}

export function signOut(): void {
  operator.value = undefined
  try {
    sessionStorage.removeItem(KEY)
  } catch {}
}

/** Asks the host as the operator. */
export const ask = <T>(nsid: string, params: Params = {}): Promise<T> =>
  asOperator((who) => query<T>(who.service, nsid, { params, headers: headersOf(who) }))

/** Has the host do something, as the operator. */
export const tell = <T>(nsid: string, body: unknown): Promise<T> =>
  asOperator((who) => procedure<T>(who.service, nsid, { body, headers: headersOf(who) }))

/** Asks the host what it tells everybody. */
export const askOpenly = <T>(nsid: string, params: Params = {}): Promise<T> =>
  asOperator((who) => query<T>(who.service, nsid, { params }))

async function asOperator<T>(work: (who: Operator) => Promise<T>): Promise<T> {
  const who = operator.peek()
  if (!who) throw new Error('nobody is signed in')
  try {
    return await work(who)
  } catch (error) {
    // The password was changed meanwhile: signed out, rather than a page of refusals.
    if (error instanceof CallError && error.status === 401) signOut()
    throw error
  }
}

function headersOf({ name, password }: Operator): Record<string, string> {
  const bytes = new TextEncoder().encode(`${name}:${password}`)
  return { authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` }
}
