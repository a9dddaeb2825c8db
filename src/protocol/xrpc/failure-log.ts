import type { RouterOptions } from './router.ts'

interface Log {
  warn(message: string, fields: Record<string, unknown>): void
  error(message: string, fields: Record<string, unknown>): void
}

/** For `onFailure`: what failed for want of somebody else is a warning, what failed here an error. */
export function failureLog(log: Log): NonNullable<RouterOptions['onFailure']> {
  return ({ nsid, requestId, error }) => {
    const level = error.status === 500 ? 'error' : 'warn'
    log[level]('method failed', { nsid, requestId, error: error.cause ?? error })
  }
}
