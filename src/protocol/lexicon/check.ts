import { isBytes, isCidLink } from '@atcute/lexicons/interfaces'

/**
 * Checks one value. Gives undefined when it fits as it is, a Replaced when it fits with defaults
 * put in, an Issue when it does not. `strict` is for values that are written now: legacy blobs are
 * refused, sizes and types of blobs looked at.
 */
export type Check = (value: unknown, strict: boolean) => Replaced | Issue | undefined

/** A value that fits, with its defaults. */
export class Replaced {
  readonly value: unknown
  constructor(value: unknown) {
    this.value = value
  }
}

/** The first thing wrong with a value, and where it is. */
export class Issue {
  readonly message: string
  /** Outermost last; joined only when somebody reads it. */
  readonly #path: (string | number)[] = []

  constructor(message: string) {
    this.message = message
  }

  /** The same issue seen from the outside: one step further out. */
  within(key: string | number): Issue {
    this.#path.push(key)
    return this
  }

  get path(): readonly (string | number)[] {
    return this.#path.toReversed()
  }

  /** `.embed.images.0.alt: expected a string`. */
  toString(): string {
    const place = this.path.map((key) => `.${String(key).slice(0, 100)}`).join('')
    return `${place === '' ? 'value' : place}: ${this.message}`
  }
}

/** Thrown inside a check when the value needs a definition that nobody has. */
export class MissingDefinition extends Error {
  readonly ref: string
  constructor(ref: string) {
    super(`no definition of ${ref}`)
    this.ref = ref
  }
}

/** A map of the data model: not a list, not a link, not bytes. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(isSpecial(value) && (isCidLink(value) || isBytes(value)))
  )
}

/** Cheap first look: only these can be a link or bytes. */
function isSpecial(value: object): boolean {
  return '$link' in value || '$bytes' in value
}
