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
  const call = error instanceof CallError ? error : fromEngine(error)
  if (!call) {
    const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    return { kind: 'broken', host: '', detail }
  }
  const { host, retryAtMs } = call
  const detail = [call.status || '', call.error, call.message].filter(Boolean).join(' · ')
  return { kind: kindOf(call), host, detail, retryAtMs }
}

/** The protocol floor's errors (XrpcError, ProtocolError, UpstreamError), known by their fields. */
function fromEngine(error: unknown): CallError | undefined {
  if (!(error instanceof Error)) return undefined
  const { status, error: name, code } = error as { status?: number; error?: string; code?: string }
  const { message } = error
  // The engine speaks to hosts itself: who does not answer there is a host, not the view.
  const silent = error.name === 'UpstreamError' || status === 502 || status === 504
  if (silent) return new CallError({ status: 0, error: 'Unreachable', message, host: '' })
  if (typeof status === 'number' && name) {
    return new CallError({ status, error: name, message, host: '' })
  }
  if (typeof code === 'string')
    return new CallError({ status: 400, error: code, message, host: '' })
  return undefined
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
