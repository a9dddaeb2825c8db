/** Which layer's silence is behind a problem: what a service says of it, and how the layers are. Pure. */
import type { Layer, Side, Stop } from './health.ts'
import type { Problem } from './problem.ts'

/**
 * The layer that does not answer. `side` is the service that stands behind what was asked for (search
 * behind a search): it is to blame only when neither the host nor the view are.
 */
export function silentLayer(
  { kind, host, detail }: Problem,
  stops: readonly Stop[],
  side?: Side,
): Layer | undefined {
  if (kind !== 'unreachable' && kind !== 'upstream') return undefined
  const of = (layer: Layer) => stops.find((stop) => stop.layer === layer)
  const at = (layer: Layer) => {
    const url = of(layer)?.url
    return url && URL.canParse(url) ? new URL(url).host : undefined
  }
  const named = (layer: Layer) => {
    const address = at(layer)
    return (
      address !== undefined &&
      (kind === 'unreachable' ? host === address : detail.includes(address))
    )
  }
  for (const layer of ['host', 'view'] as const) if (named(layer)) return layer
  if (kind === 'unreachable') return host === at('identity') ? 'identity' : undefined
  if (side && (named(side) || of(side)?.health === 'down')) return side
  if (of('view')?.health === 'down') return 'view'
  return side ?? 'view'
}
