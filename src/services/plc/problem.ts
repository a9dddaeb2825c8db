/** What goes wrong, as the directory says it: a status and `{"message": …}`. */
import { ProtocolError } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'

/** An answer that is not the one hoped for. The message is for the person who asked. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly headers: Record<string, string> | undefined

  constructor(status: number, message: string, headers?: Record<string, string>) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

/** Refusals that are no fault in the operation itself: the DID has gone on meanwhile. */
const CONFLICTS = new Set(['StalePrev'])

/** What was thrown, as a problem; undefined when the fault is ours. */
export function asProblem(thrown: unknown): Problem | undefined {
  if (thrown instanceof Problem) return thrown
  if (thrown instanceof ProtocolError)
    return new Problem(CONFLICTS.has(thrown.code) ? 409 : 400, thrown.message)
  if (thrown instanceof XrpcError && thrown.status < 500)
    return new Problem(thrown.status, thrown.message)
  const { status, message } = thrown as { status?: unknown; message?: unknown }
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new Problem(status, String(message))
  return undefined
}
