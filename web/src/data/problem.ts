/** What went wrong, sorted by what a person can do about it. The words are in the catalogues. */
import { CallError } from './xrpc.ts'

export type Kind =
  | 'offline'
  | 'unreachable'
  | 'upstream'
  | 'limited'
  | 'signedOut'
  | 'absent'
  | 'refused'
  | 'broken'

export interface Problem {
  kind: Kind
  /** The host that did not answer, or answered with an error. */
  host: string
  /** For the details: the error's name and the service's own words. */
  detail: string
  retryAtMs?: number
}

const absent = new Set(['NotFound', 'AccountNotFound', 'RecordNotFound', 'RepoNotFound'])
const upstream = new Set(['UpstreamFailure', 'UpstreamTimeout', 'NotEnoughResources'])

/** Sorts any thrown value into a Problem. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof CallError)) {
    const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    return { kind: 'broken', host: '', detail }
  }
  const { host, retryAtMs } = error
  const detail = [error.status || '', error.error, error.message].filter(Boolean).join(' · ')
  return { kind: kindOf(error), host, detail, retryAtMs }
}

function kindOf({ status, error, message }: CallError): Kind {
  if (error === 'Offline') return 'offline'
  if (status === 0) return 'unreachable'
  if (status === 429) return 'limited'
  if (status === 502 || status === 504 || upstream.has(error)) return 'upstream'
  if (status === 401 || error === 'ExpiredToken' || error === 'InvalidToken') return 'signedOut'
  if (status === 404 || absent.has(error)) return 'absent'
  // The reference answers "Profile not found" and "Could not find repo" as plain bad requests.
  if (status === 400 && /not found|could not find/i.test(message)) return 'absent'
  if (status >= 500) return 'broken'
  return 'refused'
}
