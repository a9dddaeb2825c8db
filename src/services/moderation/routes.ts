import type { HttpRequest, HttpResponse } from '#platform/runtime'

/** What a moderation service answers beside methods. */
export function otherPaths({ path }: HttpRequest, did: string): HttpResponse {
  const headers = { 'content-type': 'text/plain; charset=utf-8' }
  if (path !== '/') return { status: 404, headers, body: 'Not found\n' }
  return { status: 200, headers, body: `A moderation service of atproto, ${did}\n` }
}
