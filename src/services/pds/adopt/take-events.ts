import type { NewEntry, SqliteReader, Streams } from '#platform/storage'
import { decodeCbor } from '#protocol/data'
import { encodeFrame } from '#protocol/xrpc'
import { Kind } from '../journal/index.ts'

/** Seqs without an event in a row, beyond which what came before is not taken. */
const GAP_MAX = 10_000
const PAGE = 100
/** Seqs taken at a time, with an event or without. */
const SEQS_MAX = 20_000

const KINDS: Readonly<Record<string, { kind: number; type: string }>> = {
  append: { kind: Kind.commit, type: '#commit' },
  sync: { kind: Kind.sync, type: '#sync' },
  identity: { kind: Kind.identity, type: '#identity' },
  account: { kind: Kind.account, type: '#account' },
}

interface EventRow {
  seq: number
  did: string
  eventType: string
  event: Uint8Array
  invalidated: number
  sequencedAt: string
}

/** The newest seq that the source ever gave out. */
export function lastSeqOf(events: SqliteReader): number {
  // The engine remembers it also when the newest events were deleted.
  const given = events.get<{ seq: number }>(
    `SELECT seq FROM sqlite_sequence WHERE name = 'repo_seq'`,
  )
  const newest = events.get<{ seq: number | null }>('SELECT max(seq) AS seq FROM repo_seq')
  return Math.max(given?.seq ?? 0, newest?.seq ?? 0)
}

/**
 * Puts the events of the source since an instant into the journal, each under the seq it had, so that who
 * reads them goes on without a gap. Interrupted, it goes on where it was. Returns how many there are.
 */
export async function takeEvents(
  events: SqliteReader,
  streams: Streams,
  { since, lastSeq }: { since: string; lastSeq: number },
): Promise<number> {
  const first = firstSeq(events, since, lastSeq)
  if (first === undefined) return 0
  const stream = await streams.open('journal', { manualRelease: true, floor: first })
  let count = 0
  try {
    let next = Math.max(first, stream.bounds().durable + 1)
    while (next <= lastSeq) {
      const rows = rowsFrom(events, next)
      const known = rows.length < PAGE ? lastSeq : rows.at(-1)!.seq
      const upTo = Math.min(known, next + SEQS_MAX - 1)
      await stream.append(entriesOf(rows, next, upTo)).durable
      next = upTo + 1
    }
    count = countOf(events, first, lastSeq)
  } finally {
    await stream.close()
  }
  return count
}

/** Where what can be replayed begins: behind the last long gap. */
function firstSeq(events: SqliteReader, since: string, lastSeq: number): number | undefined {
  let first: number | undefined
  let before: number | undefined
  const rows = events.iterate<{ seq: number }>(
    'SELECT seq FROM repo_seq WHERE sequencedAt >= ? ORDER BY seq',
    [since],
  )
  for (const { seq } of rows) {
    if (before === undefined || seq - before > GAP_MAX) first = seq
    before = seq
  }
  return before === undefined || lastSeq - before > GAP_MAX ? undefined : first
}

const rowsFrom = (events: SqliteReader, seq: number): EventRow[] =>
  events.all<EventRow>(
    `SELECT seq, did, eventType, event, invalidated, sequencedAt FROM repo_seq
     WHERE seq >= ? ORDER BY seq LIMIT ?`,
    [seq, PAGE],
  )

const countOf = (events: SqliteReader, from: number, to: number): number =>
  events.get<{ n: number }>(
    'SELECT count(*) AS n FROM repo_seq WHERE seq BETWEEN ? AND ? AND invalidated = 0',
    [from, to],
  )?.n ?? 0

/** One entry for each seq, also for those without an event. */
function entriesOf(rows: readonly EventRow[], from: number, to: number): NewEntry[] {
  const bySeq = new Map(rows.map((row) => [row.seq, row]))
  return Array.from({ length: to - from + 1 }, (_, index) => {
    const row = bySeq.get(from + index)
    return (row && eventOf(row)) ?? GAP
  })
}

const GAP: NewEntry = { key: '-', kind: Kind.gap, make: () => new Uint8Array(0) }

/** Undefined for one that was taken back, or is of a kind that is no more. */
function eventOf({ did, eventType, event, invalidated, sequencedAt }: EventRow) {
  const { kind, type } = KINDS[eventType] ?? {}
  if (invalidated !== 0 || kind === undefined || type === undefined) return undefined
  try {
    const body = decodeCbor(event) as Record<string, unknown>
    return {
      key: did,
      kind,
      make: (seq: number) => encodeFrame(type, { ...body, seq, time: sequencedAt }),
    }
  } catch {
    return undefined
  }
}
