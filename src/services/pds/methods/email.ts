import { invalidRequest } from '#protocol/xrpc'

/** In any script, without what would need quotes in a letter's head. Whether anybody reads it, only a letter tells. */
const EMAIL =
  /^[^\s@"(),:;<>[\]\\\p{Cc}]{1,64}@[^\s@"(),:;<>[\]\\\p{Cc}.]+(?:\.[^\s@"(),:;<>[\]\\\p{Cc}.]+)+$/u
/** RFC 5321 */
const LENGTH_MAX = 254

/** An email address in the form that is stored: lower case. Throws InvalidRequest. */
export function requireEmail(text: string): string {
  const email = text.trim().toLowerCase()
  if (email.length > LENGTH_MAX || !EMAIL.test(email)) {
    throw invalidRequest('This email address is not supported, please use a different email.')
  }
  return email
}
