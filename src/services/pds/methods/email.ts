import { invalidRequest } from '#protocol/xrpc'

/** In any script, without what would need quotes in a letter's head. Whether anybody reads it, only a letter tells. */
const EMAIL =
  /^[^\s@"(),:;<>[\]\\\p{Cc}]{1,64}@[^\s@"(),:;<>[\]\\\p{Cc}.]+(?:\.[^\s@"(),:;<>[\]\\\p{Cc}.]+)+$/u
/** RFC 5321 */
const LENGTH_MAX = 254

/** Whether the text has the form of an email address. */
export const isEmail = (text: string): boolean => text.length <= LENGTH_MAX && EMAIL.test(text)

/** An email address in the form that is stored: lower case. Throws InvalidRequest. */
export function requireEmail(text: string): string {
  const email = text.trim().toLowerCase()
  if (!isEmail(email)) {
    throw invalidRequest('This email address is not supported, please use a different email.')
  }
  return email
}
