/** Whether an upstream gave a bad answer, or none in time. Both leave the question open. */
export type UpstreamCode = 'UpstreamFailure' | 'UpstreamTimeout'

/**
 * Somebody else's fault: a directory, a domain or a host did not answer, or answered nonsense. It
 * says nothing about the thing asked for, and may be asked again later. On a wire: 502 or 504.
 */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly code: UpstreamCode
  /** Who was asked, as host or host:port. */
  readonly host: string

  constructor(code: UpstreamCode, host: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.host = host
  }
}
