/** Pages as text that cannot be broken out of: whatever is put into a template is escaped. */

/** Markup that is safe to send. Only `html` makes it. */
export class Html {
  readonly #text: string

  constructor(text: string, key: typeof MADE_HERE) {
    if (key !== MADE_HERE) throw new Error('markup is made by html``')
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

const MADE_HERE = Symbol('made by html')

/** What a template takes: text and numbers are escaped, nothing stays nothing, lists are joined. */
export type Part = Html | string | number | undefined | null | false | readonly Part[]

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * Markup from a template: html`<p>${text}</p>`. Attributes stand in quotes, always. An address that
 * a person gave goes through `webAddress` first: escaping does not make `javascript:` harmless.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let text = strings[0]!
  for (let i = 0; i < parts.length; i++) text += rendered(parts[i]) + strings[i + 1]!
  return new Html(text, MADE_HERE)
}

/** Text as it may stand between tags and in quoted attributes. */
export function escapeText(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!)
}

function rendered(part: Part): string {
  if (part === undefined || part === null || part === false) return ''
  if (part instanceof Html) return part.toString()
  if (Array.isArray(part)) return part.map(rendered).join('')
  return escapeText(String(part))
}

/** A name that reads from left to right wherever it stands: a handle, a DID, a host, a code. */
export const latin = (text: string): Html => html`<bdi dir="ltr">${text}</bdi>`

/** The address if a browser may be sent there by a link: http or https. Undefined otherwise. */
export function webAddress(text: string | undefined): string | undefined {
  if (text === undefined || !URL.canParse(text)) return undefined
  const { protocol, href } = new URL(text)
  return protocol === 'https:' || protocol === 'http:' ? href : undefined
}
