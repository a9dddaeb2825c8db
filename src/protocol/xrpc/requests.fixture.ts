/** Requests made by hand, for the tests of this room. */
import assert from 'node:assert/strict'
import type { HttpRequest, HttpResponse } from './http.ts'

/** A GET request. */
export function get(
  path: string,
  query = '',
  headers: Record<string, string | undefined> = {},
): HttpRequest {
  const signal = new AbortController().signal
  return { method: 'GET', path, query, headers, body: undefined, ip: '::1', id: 'r1', signal }
}

/** A POST request; an object is sent as JSON, text and bytes as they are. */
export function post(
  path: string,
  body: unknown,
  headers: Record<string, string | undefined> = {},
): HttpRequest {
  const bytes =
    body instanceof Uint8Array || body === undefined
      ? body
      : new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body))
  return {
    ...get(path),
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'content-length': bytes === undefined ? undefined : String(bytes.length),
      ...headers,
    },
    body: bytes,
  }
}

/** Chunks as a stream. */
export async function* streamOf(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

/** The text of an answer that is not streamed. */
export function textOf(answer: HttpResponse): string {
  assert.ok(typeof answer.body === 'string', 'a text body')
  return answer.body
}

/** Status and error name of an answer, `200` or `400 InvalidRequest`. */
export function verdictOf(answer: HttpResponse): string {
  if (answer.status < 400) return String(answer.status)
  return `${answer.status} ${JSON.parse(textOf(answer)).error}`
}

/** Everything a stream yields. */
export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of stream) items.push(item)
  return items
}
