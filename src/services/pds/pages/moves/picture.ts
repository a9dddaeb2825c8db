/** A move as a picture: two wells and the duct between them; the new one fills from the old. */
import { type MoveView, moveSteps } from '#protocol/account'
import { type Html, html, latin } from '../index.ts'
import { hostName } from './amounts.ts'

/** Of the whole way, by what each step usually takes. */
const WEIGHTS: Readonly<Record<string, number>> = {
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
export function shareDone({ step, blobs }: Pick<MoveView, 'blobs' | 'step'>): number {
  if (step === 'done') return 1
  const before = moveSteps.slice(0, moveSteps.indexOf(step))
  const sum = before.reduce((all, one) => all + WEIGHTS[one]!, 0)
  const here = step === 'blobs' && blobs && blobs.total > 0 ? blobs.done / blobs.total : 0
  return (sum + here * WEIGHTS[step]!) / 100
}

/** Whether the name points to the new host. */
export const isSwitched = ({ step }: Pick<MoveView, 'step'>): boolean =>
  moveSteps.indexOf(step) > moveSteps.indexOf('switch')

/** How high the surface stands, as the drawing measures it. */
const surface = (level: number) => Math.round(86 - 80 * level)
const WAVES = 'M-60 4c16-7 30-7 46 0s30 7 46 0 30-7 46 0 30 7 46 0 30-7 46 0v120H-60z'

/** The parts that a script may set anew are named by `data-part`. */
export function movePicture(move: MoveView): Html {
  const moved = isSwitched(move)
  const flow = moved ? 'done' : move.state === 'running' ? 'true' : 'false'
  return html`<div class="moving" aria-hidden="true"><svg viewBox="0 0 320 96">
<clipPath id="well-from"><circle cx="48" cy="48" r="39"/></clipPath><clipPath id="well-to"><circle cx="272" cy="48" r="39"/></clipPath>
<g class="duct" data-part="duct" data-flow="${flow}"><path class="bank" d="M91 48C126 36 134 36 160 48s34 12 69 0"/><path class="bed" d="M91 48C126 36 134 36 160 48s34 12 69 0"/><path class="water" d="M91 48C126 36 134 36 160 48s34 12 69 0"/><path class="glint" d="M91 48C126 36 134 36 160 48s34 12 69 0"/></g>
<circle class="rim" cx="48" cy="48" r="42"/><g clip-path="url(#well-from)"><path class="level" data-part="from" transform="translate(0 ${surface(moved ? 0.18 : 0.82)})" d="${WAVES}"/></g>
<circle class="rim" cx="272" cy="48" r="42"/><g clip-path="url(#well-to)"><path class="level" data-part="to" transform="translate(226 ${surface(shareDone(move) * 0.82)})" d="${WAVES}"/></g>
</svg><div class="moving-hosts">${latin(hostName(move.from))}${latin(hostName(move.to))}</div></div>`
}
