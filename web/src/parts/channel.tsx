/**
 * The channel: the layers that serve a person as one line of water through round stops. It shows
 * where the water stops when a layer is down, and carries a drop when a post is followed. The water
 * moves only while it explains something.
 */
import type { ComponentChildren } from 'preact'
import { checking, type Health, type Layer, type Stop } from '../data/health.ts'
import type { Arrival, Passage } from '../data/journey.ts'
import { isDam, isSide, type Reach, reachAfter } from '../data/reach.ts'
import { hostOf } from '../data/xrpc.ts'
import { t } from '../words/index.ts'
import { Icon, type IconName } from './icon.tsx'

const icons: Record<Layer, IconName> = {
  identity: 'key',
  host: 'drop',
  relay: 'relay',
  view: 'view',
  feeds: 'feeds',
  search: 'find',
  moderation: 'shield',
}

interface ChannelProps {
  stops: readonly Stop[]
  /** What stands under each stop's name: who, where, and what can be done. */
  children: (stop: Stop) => ComponentChildren
  /** Where a followed post has arrived. */
  arrivals?: readonly Arrival[]
  /** What the water is for, said at the channel's end. */
  end: ComponentChildren
}

export function Channel({ stops, children, arrivals, end }: ChannelProps) {
  const live = arrivals !== undefined || checking.value
  return (
    <ol class="channel" data-live={live}>
      {stops.map((stop, index) => {
        const passage = arrivals?.find(({ layer }) => layer === stop.layer)?.passage
        return (
          <li class="stop" key={stop.layer} data-health={stop.health} data-layer={stop.layer}>
            <div class="stop-place" aria-hidden="true">
              <ReachPicture
                reach={reachAfter(stops, index)}
                drop={passage === 'here' && arrivals?.at(-1)?.layer === stop.layer}
              />
              <Basin health={stop.health} passage={passage} icon={icons[stop.layer]} />
            </div>
            <div class="stop-text">
              <div class="stop-name">
                <h2>{t(`layer.${stop.layer}`)}</h2>
                <HealthPill health={stop.health} passage={passage} />
              </div>
              {children(stop)}
              {stop.health === 'down' && <p class="stop-outage">{t(`layer.${stop.layer}.down`)}</p>}
            </div>
          </li>
        )
      })}
      {stops.length > 0 && <Fields stops={stops}>{end}</Fields>}
    </ol>
  )
}

/** Where the channel ends: everybody's fields, watered or not. */
function Fields({ stops, children }: { stops: readonly Stop[]; children: ComponentChildren }) {
  const dry = stops.some(isDam)
  return (
    <li class="stop fields" data-reach={dry ? 'dry' : 'flowing'}>
      <svg viewBox="0 0 48 72" aria-hidden="true">
        {deltas.map((d) => (
          <path key={d} class="bank" d={d} />
        ))}
        {deltas.map((d) => (
          <path key={d} class="water" d={d} />
        ))}
        {furrows.map((d) => (
          <path key={d} class="furrow" d={d} />
        ))}
      </svg>
      <span>{children}</span>
    </li>
  )
}

const deltas = ['M24 22C24 42 7 38 7 54', 'M24 22v32', 'M24 22C24 42 41 38 41 54']
const furrows = [-1, 17, 35].flatMap((x) => [
  `M${x} 61c3.5-2 7-2 7 0s3.5 2 7 0`,
  `M${x} 68c3.5-2 7-2 7 0s3.5 2 7 0`,
])

function Basin({ health, passage, icon }: { health: Health; passage?: Passage; icon: IconName }) {
  return (
    <span class="basin" data-health={health} data-passage={passage}>
      <Icon name={passage === 'here' ? 'check' : icon} />
    </span>
  )
}

// A stretch from one basin's middle to the next, as tall as the text beside it: the strokes keep
// their width while the curve stretches.
const bend = 'M20 0C31 22 31 30 20 50S9 78 20 100'

function ReachPicture({ reach, drop }: { reach: Reach; drop: boolean }) {
  return (
    <span class="reach" data-reach={reach}>
      <svg viewBox="0 0 40 100" preserveAspectRatio="none" aria-hidden="true">
        <path class="bank" d={bend} vector-effect="non-scaling-stroke" />
        <path class="bed" d={bend} vector-effect="non-scaling-stroke" />
        <path class="water" d={bend} vector-effect="non-scaling-stroke" pathLength={100} />
        <path class="glint" d={bend} vector-effect="non-scaling-stroke" pathLength={100} />
      </svg>
      {drop && <span class="drop" />}
    </span>
  )
}

const tones = { well: 'good', slow: 'warm', down: 'warm', asking: 'calm' } as const

export function HealthPill({ health, passage }: { health: Health; passage?: Passage }) {
  if (passage === 'here') {
    return (
      <span class="pill" data-tone="good" role="status">
        {t('journey.here')}
      </span>
    )
  }
  if (passage === 'missing') {
    return (
      <span class="pill" data-tone="warm" role="status">
        {t('journey.missing')}
      </span>
    )
  }
  return (
    <span class="pill" data-tone={tones[health]}>
      {t(`health.${health}`)}
    </span>
  )
}

/** The same channel at a glance: one line, for margins. What stands at the side shows when it is down. */
export function ChannelGlance({ stops: all }: { stops: readonly Stop[] }) {
  const stops = all.filter(({ layer, health }) => !isSide(layer) || health === 'down')
  return (
    <ol class="glance">
      {stops.map((stop, index) => (
        <li key={stop.layer} data-health={stop.health}>
          <span class="basin small" data-health={stop.health} aria-hidden="true">
            <Icon name={icons[stop.layer]} />
          </span>
          {index < stops.length - 1 && (
            <span class="trickle" data-reach={reachAfter(stops, index)} aria-hidden="true" />
          )}
          <span class="small">{t(`layer.${stop.layer}`)}</span>
          <span class="sr">{t(`health.${stop.health}`)}</span>
        </li>
      ))}
    </ol>
  )
}

/** An address as people see it. */
export function Address({ url }: { url: string }) {
  return <bdi dir="ltr">{hostOf(url)}</bdi>
}
