import type { FrameBatch, HttpRequest, HttpResponse, Service } from '#platform/runtime'
import { hostFenced, type Lease } from './lease.ts'

/** On what is read while nobody can say whether another host has newer data. */
const MARK = 'falaj-lease'
const HEALTH = '/xrpc/_health'
const READING = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * The outermost wall. Nothing is acknowledged and no event sent that the lease does not cover at
 * that instant: it is looked at before a call and once more when the answer is ready to go. Lapsed,
 * reads go on, marked; once another host has written, nothing is answered but how it stands.
 */
export function fencedService<S extends Service>(service: S, lease: Lease): S {
  const inner = {
    handle: service.handle.bind(service),
    subscribe: service.subscribe?.bind(service),
  }
  service.handle = (request) => {
    if (lease.end) {
      if (request.path !== HEALTH) return fencedResponse(lease)
      return {
        ...fencedResponse(lease),
        body: JSON.stringify({ error: 'HostFenced', lease: leaseHealth(lease) }),
      }
    }
    if (READING.has(request.method) || isStandby(request))
      return marked(inner.handle(request), lease)
    if (!lease.held()) return fencedResponse(lease)
    const answer = inner.handle(request)
    return answer instanceof Promise
      ? answer.then((response) => stillHeld(response, lease))
      : stillHeld(answer, lease)
  }
  service.subscribe = (request) => {
    if (!lease.held()) return fencedResponse(lease)
    const signal = AbortSignal.any([request.signal, lease.whileHeld()])
    const stream = inner.subscribe?.({ ...request, signal })
    if (stream === undefined) return { status: 404 }
    return Symbol.asyncIterator in stream ? heldBatches(stream, lease) : stream
  }
  return service
}

/** What a standby asks only reads here, and the last of it when this host lapsed. */
const isStandby = ({ path }: HttpRequest) => path.startsWith('/xrpc/app.falaj.standby.')

async function* heldBatches(
  batches: AsyncIterable<FrameBatch>,
  lease: Lease,
): AsyncGenerator<FrameBatch> {
  for await (const batch of batches) {
    if (!lease.held()) return
    yield batch
  }
}

/** Between the answer and the socket others are answered too: it is looked at there once more. */
function stillHeld(response: HttpResponse, lease: Lease): HttpResponse {
  if (lease.held()) return { ...response, isStillTrue: () => lease.held() }
  const { body } = response
  if (body && typeof body === 'object' && Symbol.asyncIterator in body) {
    void body[Symbol.asyncIterator]().return?.()
  }
  return fencedResponse(lease)
}

function marked(
  answer: HttpResponse | Promise<HttpResponse>,
  lease: Lease,
): HttpResponse | Promise<HttpResponse> {
  if (answer instanceof Promise) return answer.then((response) => mark(response, lease))
  return mark(answer, lease)
}

function mark(response: HttpResponse, lease: Lease): HttpResponse {
  if (lease.held()) return response
  return { ...response, headers: { ...response.headers, [MARK]: 'lapsed' } }
}

/** 503 HostFenced, as JSON, to whoever asks for whatever. */
export function fencedResponse({ end }: Pick<Lease, 'end'>): HttpResponse {
  const { status, error, message, headers } = hostFenced(end)
  return {
    status,
    headers: {
      ...headers,
      'content-type': 'application/json',
      'access-control-allow-origin': '*',
      'cache-control': 'no-store',
    },
    body: JSON.stringify({ error, message }),
  }
}

/** The health of a host with a lease. */
export const leaseHealth = (lease: Lease) => ({
  held: lease.held(),
  epoch: lease.epoch,
  remainingMs: Math.floor(lease.remainingMs()),
  ...(lease.end && { end: lease.end.reason, newestEpoch: lease.end.epoch }),
})

/** What stands at the address of a host that may not begin: says why, and does nothing else. */
export function fencedHost(about: { reason: string; epoch: number; version: string }): Service {
  const { reason, epoch, version } = about
  const end = { reason: 'superseded', epoch } as const
  return {
    name: 'pds',
    loops: [],
    handle(request: HttpRequest) {
      const refusal = fencedResponse({ end })
      if (request.path !== HEALTH) return refusal
      const lease = { held: false, newestEpoch: epoch, reason }
      return { ...refusal, body: JSON.stringify({ version, error: 'HostFenced', lease }) }
    },
    subscribe: () => fencedResponse({ end }),
    // Never: who waits for it to be ready would take it for the host.
    ready: () => new Promise(() => {}),
    close: async () => {},
  }
}
