/** A move as a picture: two wells and the duct between them; the new one fills from the old. */
import { useId } from 'preact/hooks'
import { type Step, steps } from '../data/move.ts'
import { hostOf } from '../data/xrpc.ts'
import { number, t } from '../words/index.ts'
import { Icon } from './icon.tsx'

interface MovingProps {
  from: string
  to: string
  /** How much has arrived, 0 to 1. */
  filled: number
  /** Whether water runs at the moment. */
  flowing: boolean
  /** The name has moved: the old well rests. */
  moved: boolean
}

export function MovingPicture({ from, to, filled, flowing, moved }: MovingProps) {
  return (
    <div class="moving">
      <div class="moving-wells">
        <Well level={moved ? 0.18 : 0.82} />
        <Duct flow={flowing ? 'true' : moved ? 'done' : 'false'} />
        <Well level={filled * 0.82} />
      </div>
      <div class="moving-hosts">
        <bdi dir="ltr" class="cut">
          {hostOf(from)}
        </bdi>
        <bdi dir="ltr" class="cut">
          {hostOf(to)}
        </bdi>
      </div>
    </div>
  )
}

function Well({ level }: { level: number }) {
  const clip = useId()
  const down = 86 - 80 * level
  return (
    <svg class="well" viewBox="0 0 92 92" aria-hidden="true">
      <clipPath id={clip}>
        <circle cx="46" cy="46" r="39" />
      </clipPath>
      <circle class="rim" cx="46" cy="46" r="42" />
      <g clip-path={`url(#${clip})`}>
        <path
          class="level"
          d="M-60 4c16-7 30-7 46 0s30 7 46 0 30-7 46 0 30 7 46 0 30-7 46 0v120H-60z"
          style={{ transform: `translateY(${down}px)` }}
        />
      </g>
    </svg>
  )
}

function Duct({ flow }: { flow: 'true' | 'false' | 'done' }) {
  const d = 'M0 46C30 34 40 34 60 46s30 12 60 0'
  return (
    <svg
      class="duct"
      data-flow={flow}
      viewBox="0 0 120 92"
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path class="bank" d={d} vector-effect="non-scaling-stroke" />
      <path class="bed" d={d} vector-effect="non-scaling-stroke" />
      <path class="water" d={d} vector-effect="non-scaling-stroke" pathLength={100} />
      <path class="glint" d={d} vector-effect="non-scaling-stroke" pathLength={100} />
    </svg>
  )
}

export interface Count {
  done: number
  total: number
}

interface StepsProps {
  /** The step that is under way, or the one that would be next. */
  at: Step | 'done'
  count?: Count
  failed: boolean
}

const weights: Record<Step, number> = {
  account: 4,
  repo: 34,
  blobs: 34,
  preferences: 4,
  sign: 4,
  switch: 8,
  activate: 4,
  leave: 4,
  verify: 4,
}

/** The share of the whole way, 0 to 1. */
export function shareDone(at: Step | 'done', count?: Count): number {
  if (at === 'done') return 1
  const before = steps.slice(0, steps.indexOf(at)).reduce((sum, step) => sum + weights[step], 0)
  const here = count && count.total > 0 ? (weights[at] * count.done) / count.total : 0
  return (before + here) / 100
}

/** Every step by its name, with where things stand. */
export function StepList({ at, count, failed }: StepsProps) {
  const reached = at === 'done' ? steps.length : steps.indexOf(at)
  return (
    <ol class="steps">
      {steps.map((step, index) => {
        const now = index === reached
        const state = index < reached ? 'done' : now ? (failed ? 'failed' : 'now') : 'later'
        return (
          <li class="step" key={step} data-state={state} aria-current={now ? 'step' : undefined}>
            <span class="mark" aria-hidden="true">
              {state === 'done' ? <Icon name="check" /> : number(index + 1)}
            </span>
            <span>{t(`move.step.${step}`)}</span>
            {now && count && count.total > 0 && (
              <span class="small quiet num">
                {t('move.count', { n: count.done, total: count.total })}
              </span>
            )}
            {now && count && count.total > 0 && (
              <span class="bar" aria-hidden="true">
                <span style={{ inlineSize: `${(100 * count.done) / count.total}%` }} />
              </span>
            )}
          </li>
        )
      })}
    </ol>
  )
}
