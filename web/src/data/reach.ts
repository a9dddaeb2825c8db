/** Where the water stands when a layer is down. Pure. */
import type { Layer, Stop } from './health.ts'

/** How the water stands in the reach below a stop. */
export type Reach = 'flowing' | 'pooling' | 'dry'

const sides = new Set<Layer>(['feeds', 'search', 'moderation'])

/** Whether a layer stands at the view's side, where it holds up nobody's water. */
export const isSide = (layer: Layer): boolean => sides.has(layer)

/** Whether the water fails to arrive because this layer is down. */
export const isDam = ({ layer, health }: Stop): boolean =>
  health === 'down' && layer !== 'identity' && !isSide(layer)

/** The reach after `index`: dry below a layer that is down, pooling above the next one that is. */
export function reachAfter(stops: readonly Stop[], index: number): Reach {
  const { layer, health } = stops[index]!
  const next = stops[index + 1]
  // Without the directory, people's posts still travel; only the first reach falls dry.
  const above = layer === 'identity' ? [] : stops.slice(1, index)
  const broken = health === 'down' && !isSide(layer)
  if (broken || above.some(isDam)) return 'dry'
  return next && isDam(next) ? 'pooling' : 'flowing'
}
