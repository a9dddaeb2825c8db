/**
 * The caller's fault, found below the wire: a malformed identifier, a record that does not exist, a
 * block that does not decode. The only error the protocol rooms below `xrpc` throw for bad input;
 * `xrpc` turns it into a 400 whose `error` is the code.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  /** Stable, PascalCase, fit for a lexicon's `errors` list: 'InvalidDid', 'RecordNotFound'. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const SHOWN_LENGTH = 80

/** Bad input as it may stand in a message: quoted, control characters escaped, cut to 80 units. */
export function shown(text: unknown): string {
  if (typeof text !== 'string') return `a value of type ${typeof text}`
  const cut = text.length > SHOWN_LENGTH
  return JSON.stringify(cut ? `${text.slice(0, SHOWN_LENGTH)}…` : text)
}

/** The error every parser of this room throws: `Invalid` plus the noun, and the input, shortened. */
export function invalid(noun: string, text: unknown): ProtocolError {
  return new ProtocolError(`Invalid${noun}`, `not a valid ${noun}: ${shown(text)}`)
}
