import { StorageError, type StorageErrorCode } from './contracts.ts'

/** By SQLSTATE, or the first two characters of it: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const CODES: Record<string, StorageErrorCode> = {
  // A transaction that failed before: nothing of it is kept.
  '25P02': 'Closed',
  // A server that is another one's copy, as after a failover.
  '25006': 'Unavailable',
  '23505': 'Conflict',
  '23P01': 'Conflict',
  '53100': 'NoSpace',
  '53200': 'Overloaded',
  '53300': 'Unavailable',
  // Two that wait for each other, or saw each other's half: sound when asked again.
  '40001': 'Unavailable',
  '40P01': 'Unavailable',
  '54000': 'TooLarge',
  '55P03': 'Unavailable',
  '57014': 'Deadline',
  '08': 'Unavailable',
  '28': 'Unavailable',
  '3D': 'Unavailable',
  '57': 'Unavailable',
  '58': 'Unavailable',
  XX001: 'Corrupt',
  XX002: 'Corrupt',
}

/** Names the failures that callers act on; every other error stays the engine's own. */
export function postgresError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StorageError) return error
  const code = codeOf(error)
  return code ? new StorageError(code, error.message || code, { cause: error }) : error
}

function codeOf(error: Error): StorageErrorCode | undefined {
  const { code, severity } = error as { code?: string; severity?: string }
  if (severity === undefined) return isConnectionLost(error) ? 'Unavailable' : undefined
  return CODES[code ?? ''] ?? CODES[(code ?? '').slice(0, 2)]
}

/** Whether the server did not say this: a socket that broke, a client that was told to end, a wait that ran out. */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isConnectionLost)
  const {
    code,
    message = '',
    severity,
  } = (error ?? {}) as NodeJS.ErrnoException & {
    severity?: string
  }
  if (severity !== undefined) return /^57P0[123]$/.test(code ?? '')
  return (
    /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOENT|EAI_|ENOTFOUND)/.test(code ?? '') ||
    /Connection terminated|connection error|Client was closed|timeout expired|timeout exceeded/i.test(
      message,
    )
  )
}
