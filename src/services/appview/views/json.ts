/**
 * Views are made as JSON text: what does not change from viewer to viewer is written once, when an
 * account or a post is loaded, and a page is put together from such pieces.
 */

/** JSON text of a complete value. */
export type Json = string

/** JSON text of any value. Strings that cannot hold quotes or backslashes need no quoting. */
export const quote = JSON.stringify as (value: unknown) => Json

/** `,"name":"text"`, or nothing. */
export function textMember(name: string, text: string | undefined): string {
  return text === undefined || text === '' ? '' : `,"${name}":${quote(text)}`
}

/** `,"name":value`, or nothing. The value is JSON already. */
export function member(name: string, value: Json | undefined): string {
  return value === undefined ? '' : `,"${name}":${value}`
}

/** `,"cursor":"…"`, or nothing. */
export function cursorMember(cursor: string | undefined): string {
  return textMember('cursor', cursor)
}

/**
 * `[…]` of values that are JSON already. Added up rather than joined: the text is then copied once,
 * when it is sent.
 */
export function arrayOf(values: readonly Json[]): Json {
  let text = ''
  for (const value of values) text += text === '' ? value : `,${value}`
  return `[${text}]`
}
