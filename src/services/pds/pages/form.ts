import { type HttpRequest, XrpcError } from '#protocol/xrpc'

/** Bytes of a form, unless its page says otherwise. */
export const FORM_BYTES_MAX = 32_768
const FIELDS_MAX = 100
const TYPE = 'application/x-www-form-urlencoded'

/** What was filled in. */
export class Form {
  readonly #fields: URLSearchParams

  constructor(fields: URLSearchParams) {
    this.#fields = fields
  }

  /** A field without white space around it; empty when it is not there. Throws InvalidRequest when over `max` characters. */
  text(name: string, max = 1_000): string {
    return this.raw(name, max).trim()
  }

  /** A field as it was typed, for passwords. */
  raw(name: string, max = 1_000): string {
    const value = this.#fields.get(name) ?? ''
    if (value.length > max) throw new XrpcError(400, 'InvalidRequest', `${name} is too long`)
    return value
  }

  /** Whether a box was ticked, or a button of this name pressed. */
  has(name: string): boolean {
    return this.#fields.has(name)
  }

  /** Every value of a name, as from several boxes. */
  all(name: string): string[] {
    return this.#fields.getAll(name)
  }
}

/** Reads a form. Throws UnsupportedMediaType (415), PayloadTooLarge (413), InvalidRequest. */
export async function readForm(request: HttpRequest, bytesMax: number): Promise<Form> {
  const { headers } = request
  const type = (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
  if (type !== TYPE || headers['content-encoding'] !== undefined) {
    throw new XrpcError(415, 'UnsupportedMediaType', `A form is ${TYPE}`)
  }
  const text = await readText(request.body, bytesMax)
  const fields = new URLSearchParams(text)
  if (fields.size > FIELDS_MAX) throw new XrpcError(400, 'InvalidRequest', 'Too many fields')
  return new Form(fields)
}

async function readText(body: HttpRequest['body'], bytesMax: number): Promise<string> {
  if (body === undefined) return ''
  const decoder = new TextDecoder()
  const chunks = body instanceof Uint8Array ? [body] : body
  let [text, count] = ['', 0]
  for await (const chunk of chunks) {
    count += chunk.byteLength
    if (count > bytesMax) throw new XrpcError(413, 'PayloadTooLarge', 'The form is too long')
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
