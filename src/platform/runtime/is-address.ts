/**
 * Whether a call names its address itself, and is no Request. Asked before `Request` is, as the mere
 * mention of that makes Node load a client that is not needed otherwise.
 */
export function isAddress(input: string | URL | Request): input is string | URL {
  return typeof input === 'string' || input instanceof URL
}
