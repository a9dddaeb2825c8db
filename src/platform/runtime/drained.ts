import type { Writable } from 'node:stream'

/** True when the writable took everything in time; false when it stalled or is gone. */
export function drained(writable: Writable, stallMs: number): Promise<boolean> {
  if (writable.destroyed) return Promise.resolve(false)
  if (!writable.writableNeedDrain) return Promise.resolve(true)
  return new Promise((resolve) => {
    const finish = (took: boolean) => {
      clearTimeout(timer)
      writable.off('drain', onDrain).off('close', onClose)
      resolve(took)
    }
    const onDrain = () => finish(true)
    const onClose = () => finish(false)
    const timer = setTimeout(() => finish(false), stallMs)
    writable.on('drain', onDrain).on('close', onClose)
  })
}
