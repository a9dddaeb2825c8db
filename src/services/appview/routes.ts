import type { HttpResponse } from '#platform/runtime'

/** What an app view answers beside methods and pictures. */
export function otherPaths(path: string, did: string): HttpResponse {
  const headers = { 'content-type': 'text/plain; charset=utf-8' }
  if (path !== '/') return { status: 404, headers, body: 'Not found\n' }
  return {
    status: 200,
    headers,
    body: `An app view of atproto, ${did}\nMethods are under /xrpc/\n`,
  }
}
