/** The one error of outgoing calls and streams. */

export type OutgoingCode =
  | 'UnsupportedUrl'
  | 'ForbiddenAddress'
  | 'Unreachable'
  | 'Refused'
  | 'Timeout'
  | 'TooLarge'
  | 'TooManyRedirects'

/** An upstream's fault, or a limit of ours met on the way to it. `host` is who it was about. */
export class OutgoingError extends Error {
  readonly code: OutgoingCode
  readonly host: string
  /** Status the other side answered, when it refused. */
  readonly status: number | undefined
  constructor(
    code: OutgoingCode,
    host: string,
    message: string,
    options: { cause?: unknown; status?: number } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'OutgoingError'
    this.code = code
    this.host = host
    this.status = options.status
  }
}
