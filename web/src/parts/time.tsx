/** A moment, told as a person would; the whole date is one hover away. */
import { signal } from '@preact/signals'
import { ago, moment } from '../words/index.ts'

/** The time of the page, moved on each half minute while somebody looks. */
const nowMs = signal(Date.now())

setInterval(() => {
  if (!document.hidden) nowMs.value = Date.now()
}, 30_000)
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) nowMs.value = Date.now()
})

export function Ago({ at }: { at: string }) {
  const whenMs = Date.parse(at)
  if (Number.isNaN(whenMs)) return null
  return (
    <time dateTime={at} title={moment(whenMs)}>
      {ago(whenMs, Math.max(nowMs.value, whenMs))}
    </time>
  )
}
