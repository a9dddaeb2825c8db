/**
 * The layers that serve a person, as a channel: identity → host → relay → view, and beside the view
 * feeds, search and moderation. Each is asked how it is; a layer that is down says what still works
 * without it.
 */
import { signal } from '@preact/signals'
import { network } from '../app/config.ts'
import { labelers, viewService } from './services.ts'

export type Layer = 'identity' | 'host' | 'relay' | 'view' | Side
/** Layers at the view's side: without one of them the water still reaches the fields. */
export type Side = 'feeds' | 'search' | 'moderation'
export type Health = 'asking' | 'well' | 'slow' | 'down'

export interface Stop {
  layer: Layer
  /** The origin that serves it. */
  url: string
  health: Health
  /** How long its answer took. */
  tookMs?: number
}

const slowMs = 2_500
const patienceMs = 6_000

/** Whether layers are being asked at the moment. */
export const checking = signal(false)

const asked = signal<readonly Stop[]>([])

/** The channel of a person at `host` (else of the first host configured), asked about or not yet. */
export function channelOf(host?: string): readonly Stop[] {
  const known = asked.value
  return layersOf(host).map(
    (stop) => known.find(({ layer, url }) => layer === stop.layer && url === stop.url) ?? stop,
  )
}

let round = 0

/** Asks every layer again; `host` is the person's own host, else the first one configured. */
export async function checkChannel(host?: string): Promise<void> {
  const mine = ++round
  const stops = layersOf(host)
  asked.value = channelOf(host)
  checking.value = true
  await Promise.all(
    stops.map(async (stop) => {
      const answer = await probe(stop)
      if (mine !== round) return
      asked.value = asked
        .peek()
        .map((one) => (one.layer === stop.layer ? { ...stop, ...answer } : one))
    }),
  )
  if (mine === round) checking.value = false
}

function layersOf(host: string | undefined): Stop[] {
  const { plc, pds, relay, feeds, search } = network()
  const urls: [Layer, string | undefined][] = [
    ['identity', plc],
    ['host', host ?? pds[0]?.url],
    ['relay', relay?.url],
    ['view', viewService().url],
    ['feeds', feeds?.url],
    ['search', search?.url],
    ['moderation', labelers()[0]?.url],
  ]
  return urls.flatMap(([layer, url]) => (url ? [{ layer, url, health: 'asking' as const }] : []))
}

/** Whether a service says that it is there. */
export async function isAnswering(url: string): Promise<boolean> {
  return (await probe({ layer: 'host', url })).health !== 'down'
}

async function probe({
  layer,
  url,
}: Pick<Stop, 'layer' | 'url'>): Promise<Pick<Stop, 'health' | 'tookMs'>> {
  const started = performance.now()
  const path = layer === 'identity' ? '/_health' : '/xrpc/_health'
  try {
    const signal = AbortSignal.timeout(patienceMs)
    const response = await fetch(url + path, { signal, cache: 'no-store', credentials: 'omit' })
    const tookMs = performance.now() - started
    // A directory that is not ours may have no health page: any answer below 500 is a sign of life.
    if (response.status >= 500) return { health: 'down' }
    return { health: tookMs > slowMs ? 'slow' : 'well', tookMs }
  } catch {
    return { health: 'down' }
  }
}
