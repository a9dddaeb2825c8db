/** Answers of the directory: open to every page (CORS), problems as `{"message": …}`. */
import type { HttpResponse } from '#platform/runtime'
import type { Problem } from './problem.ts'

const CORS = { 'access-control-allow-origin': '*' }

/** JSON, from text that is JSON already or from a value. */
export function json(body: string | object, type = 'application/json'): HttpResponse {
  const headers = { 'content-type': `${type}; charset=utf-8`, ...CORS }
  return { status: 200, headers, body: typeof body === 'string' ? body : JSON.stringify(body) }
}

export function plain(body: string): HttpResponse {
  return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8', ...CORS }, body }
}

/** JSON lines, without a line end after the last. */
export function lines(entries: readonly string[]): HttpResponse {
  const headers = { 'content-type': 'application/jsonlines; charset=utf-8', ...CORS }
  return { status: 200, headers, body: entries.join('\n') }
}

export function refusal({ status, message, headers }: Problem): HttpResponse {
  const all = { 'content-type': 'application/json; charset=utf-8', ...CORS, ...headers }
  return { status, headers: all, body: JSON.stringify({ message }) }
}

/** The answer to a browser that asks whether it may ask. */
export const PREFLIGHT: HttpResponse = {
  status: 204,
  headers: {
    ...CORS,
    'access-control-allow-methods': 'GET, HEAD, POST, OPTIONS',
    'access-control-allow-headers': '*, content-type',
    'access-control-max-age': '86400',
  },
}
