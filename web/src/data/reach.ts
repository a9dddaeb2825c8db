/** Where the water stands when a layer is down. Pure. */
import type { Stop } from './health.ts'

/** How the water stands in the reach below a stop. */
export type Reach = 'flowing' | 'pooling' | 'dry'

/** The reach after `index`: dry below a layer that is down, pooling above the next one that is. */
export function reachAfter(stops: readonly Stop[], index: number): Reach {
  const { layer, health } = stops[index]!
  const next = stops[index + 1]
  // Without the directory, people's posts still travel; only the first reach falls dry.
  const above = layer === 'identity' ? [] : stops.slice(1, index)
  if (health === 'down' || above.some((stop) => stop.health === 'down')) return 'dry'
  return next?.health === 'down' ? 'pooling' : 'flowing'
}
