/** Several hosts of one test that reach each other by their addresses, without a network. */
import type { Fetch } from '#platform/runtime'
import type { TestHost } from './host.test-support.ts'

/** Calls go to the host of that origin; to any other they fail as if nobody were there. */
export function fetchAmong(
  hosts: ReadonlyMap<string, TestHost>,
  heard: (url: URL) => void = () => {},
): Fetch {
  return async (target, init) => {
    const url = new URL(String(target))
    heard(url)
    const host = hosts.get(url.origin)
    if (!host) throw new Error(`${url.origin} is away`)
    const headers = Object.fromEntries(new Headers(init?.headers))
    const given = init?.body as string | Uint8Array | AsyncIterable<Uint8Array> | undefined
    const body = typeof given === 'string' ? new TextEncoder().encode(given) : (given ?? undefined)
    const answer = await host.service.handle({
      method: init?.method ?? 'GET',
      path: url.pathname,
      query: url.search.slice(1),
      headers,
      body: body as Uint8Array | undefined,
      ip: '127.0.0.1',
      id: 'test',
      signal: init?.signal ?? new AbortController().signal,
    })
    const { status, body: content } = answer
    const stream =
      content === undefined || typeof content === 'string' || content instanceof Uint8Array
        ? content
        : streamOf(content)
    return new Response(status === 204 ? null : ((stream ?? null) as BodyInit), {
      status,
      headers: answer.headers as Record<string, string>,
    })
  }
}

function streamOf(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const reading = chunks[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>({
    async pull(into) {
      const { done, value } = await reading.next()
      if (done) into.close()
      else into.enqueue(value)
    },
    cancel: async () => void (await reading.return?.()),
  })
}
