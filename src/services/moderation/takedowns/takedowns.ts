import type { Fetch, JobKind, Jobs } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { type Directory, identityOf } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { type SubjectRow, subjectRef } from '../decisions/index.ts'
import { type PdsAdmin, type TakedownSubject, updateSubjectStatus } from './pds-admin.ts'

const ATTEMPTS_MAX = 40

/**
 * Carries out at the host of an account what was decided. Jobs bring a subject to where it stands
 * when they run, one at a time for each subject, so their order does not matter.
 */
export class Takedowns {
  readonly #sql: Sql
  readonly #directory: Directory
  readonly #fetch: Fetch
  readonly #hosts: ReadonlyMap<string, PdsAdmin>
  readonly #now: () => number
  readonly #ask: Jobs['add']
  readonly #expire: (row: SubjectRow) => Promise<void>
  readonly #busy = new Map<string, Promise<void>>()
  readonly kinds: Record<string, JobKind>

  constructor(options: {
    sql: Sql
    directory: Directory
    fetch: Fetch
    hosts: readonly PdsAdmin[]
    now: () => number
    /** Adds a job. */
    ask: Jobs['add']
    /** Reverses a takedown whose time is over. */
    expire(row: SubjectRow): Promise<void>
  }) {
    this.#sql = options.sql
    this.#directory = options.directory
    this.#fetch = options.fetch
    this.#hosts = new Map(options.hosts.map((host) => [host.url, host]))
    this.#now = options.now
    this.#ask = options.ask
    this.#expire = options.expire
    this.kinds = {
      'carry-out': {
        maxAttempts: ATTEMPTS_MAX,
        run: ({ payload, attempt }) => this.#inTurn(payload as string, attempt),
      },
      'end-takedown': {
        run: ({ key, payload }) => this.#end(payload as string, Number(key)),
      },
    }
  }

  /** Asks for a decision to be carried out, and for its end if it has one; in its transaction. */
  async follow(eventId: number, key: string, untilMs: number | null): Promise<void> {
    await this.#ask('carry-out', String(eventId), key)
    if (untilMs !== null) await this.#ask('end-takedown', String(eventId), key, untilMs)
  }

  #row(key: string): Promise<SubjectRow | undefined> {
    return this.#sql.get('select * from subject where key = ?', [key])
  }

  async #inTurn(key: string, attempt: number): Promise<void> {
    const before = this.#busy.get(key)
    const turn = (before ?? Promise.resolve())
      .catch(() => {})
      .then(() => this.#carryOut(key, attempt))
    this.#busy.set(key, turn)
    try {
      await turn
    } finally {
      if (this.#busy.get(key) === turn) this.#busy.delete(key)
    }
  }

  async #carryOut(key: string, attempt: number): Promise<void> {
    const row = await this.#row(key)
    if (row === undefined) return
    const host = await this.#hostOf(row.did)
    if (host === undefined) return this.#note(row, 'label')
    try {
      const update = { applied: row.takendown === 1, ref: String(row.takedown_event ?? row.id) }
      for (const subject of subjectsOf(row))
        await updateSubjectStatus(host, this.#fetch, { subject, ...update })
    } catch (error) {
      if (attempt >= ATTEMPTS_MAX) await this.#note(row, 'failed')
      throw error
    }
    await this.#note(row, 'done')
  }

  /** The host of an account, when it is one that does what we say. */
  async #hostOf(did: Did): Promise<PdsAdmin | undefined> {
    const document = await this.#directory.document(did, { fresh: true })
    const pds = document && identityOf(document).pds
    return pds === undefined ? undefined : this.#hosts.get(pds)
  }

  /** Unless it was decided otherwise meanwhile: then another job is on its way. */
  async #note({ id, takendown }: SubjectRow, outcome: string): Promise<void> {
    await this.#sql.run('update subject set carried_out = ? where id = ? and takendown = ?', [
      outcome,
      id,
      takendown,
    ])
  }

  async #end(key: string, eventId: number): Promise<void> {
    const row = await this.#row(key)
    const isOver = (row?.suspend_until_ms ?? Number.POSITIVE_INFINITY) <= this.#now()
    if (row?.takedown_event === eventId && isOver) await this.#expire(row)
  }
}

function subjectsOf(row: SubjectRow): TakedownSubject[] {
  const cids = JSON.parse(row.blob_cids) as string[]
  const blobs = cids.map((cid): TakedownSubject => {
    return { $type: 'com.atproto.admin.defs#repoBlobRef', did: row.did, cid }
  })
  return [subjectRef(row), ...blobs]
}
