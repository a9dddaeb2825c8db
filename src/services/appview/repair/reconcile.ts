import type { RepoRecord } from '#protocol/repo'
import type { Did, Nsid, Tid } from '#protocol/syntax'
import type { Batch } from '../index/batch.ts'
import { RKEY_END } from '../index/collection.ts'
import type { Collections } from '../index/collections.ts'
import { checkedRecord, putRecord } from '../index/commit.ts'
import { rawIndex } from '../index/kept-record.ts'
import { Tally } from '../index/tally.ts'
import type { IndexWriter } from '../index/writer.ts'

/** Rows of one transaction: reads wait no longer than for a batch of events. */
const ROWS_MAX = 200

/** A run of records of one collection, in order of record key. */
interface Run {
  collection: string
  records: RepoRecord[]
}

/**
 * Makes the index of an account equal to its repo, given in order of path. What the stream has
 * changed since (fresh paths) stays as the stream left it.
 */
export class Reconciler {
  readonly #writer: IndexWriter
  readonly #did: Did
  readonly #rev: Tid
  readonly tally = new Tally()
  /** Collections the repo has no (more) records of: what is indexed of them goes at the end. */
  readonly #open: Set<string>
  readonly #collections: Collections
  /** Asked in each transaction: when it says no, nothing more is taken out. */
  readonly #only: ((batch: Batch, aid: number) => Promise<boolean>) | undefined
  readonly #done = new Set<string>()
  #collection = ''
  #after = ''

  constructor(
    { writer, collections }: { writer: IndexWriter; collections: Collections },
    did: Did,
    rev: Tid,
    { only }: { only?: (batch: Batch, aid: number) => Promise<boolean> } = {},
  ) {
    this.#only = only
    this.#collections = collections
    this.#open = new Set(collections.names())
    this.#writer = writer
    this.#did = did
    this.#rev = rev
  }

  /** Takes the next records in order of path. */
  async add(records: readonly RepoRecord[]): Promise<void> {
    for (const run of runsOf(records)) {
      if (run.collection !== this.#collection) {
        await this.#close()
        this.#collection = run.collection
        this.#after = ''
      }
      await this.#addRun(run)
    }
  }

  /** The repo is at its end: what is left over in the index goes. */
  async finish(): Promise<void> {
    await this.#close()
    for (const collection of await this.#kept())
      if (!this.#done.has(collection)) this.#open.add(collection)
    for (const collection of this.#open) {
      this.#collection = collection
      this.#after = ''
      await this.#removeRest()
    }
  }

  async #close(): Promise<void> {
    if (this.#collections.get(this.#collection) === undefined) return
    await this.#removeRest()
    this.#open.delete(this.#collection)
    this.#done.add(this.#collection)
  }

  /** Collections of which something is kept as it is: no list of them is made beforehand. */
  #kept(): Promise<string[]> {
    return this.#writer.write(async (batch) => {
      const { aid } = await batch.author(this.#did)
      const rows = await batch.sql.all<{ collection: string }>(
        'select distinct collection from record where aid = ?',
        [aid],
      )
      return rows.map((row) => row.collection)
    })
  }

  async #addRun({ collection, records }: Run): Promise<void> {
    const index = this.#collections.get(collection)
    if (index === undefined) return
    const keep = new Set(records.map(({ path }) => rkeyOf(path)))
    const upTo = rkeyOf(records[records.length - 1]!.path)
    while (!(await this.#remove(keep, upTo)));
    await this.#writer.write(async (batch) => {
      const { aid } = await batch.author(this.#did)
      const fresh = await this.#freshPaths(batch, aid)
      for (const { path, cid, bytes } of records) {
        if (fresh.has(path)) continue
        const rkey = rkeyOf(path)
        const checked = checkedRecord(collection, cid, bytes)
        if ('reason' in checked) {
          this.#count(collection, checked.reason)
          await index.remove(batch, aid, rkey)
          await batch.refuse({ aid, path, ...checked })
          continue
        }
        const record = { aid, did: this.#did, rkey, seenMs: batch.nowMs, ...checked }
        this.#count(collection, await putRecord(batch, index, record))
      }
    })
    this.#after = upTo
  }

  async #removeRest(): Promise<void> {
    while (!(await this.#remove(new Set(), undefined)));
  }

  /** Takes indexed rows of the collection out, but for those to keep; true when the range is done. */
  async #remove(keep: ReadonlySet<string>, upTo: string | undefined): Promise<boolean> {
    // One that is kept no longer, by the configuration, still goes with its account.
    const index = this.#collections.get(this.#collection) ?? rawIndex(this.#collection as Nsid)
    return this.#writer.write(async (batch) => {
      const { aid } = await batch.author(this.#did)
      if (this.#only && !(await this.#only(batch, aid))) return true
      const range = { after: this.#after, upTo, limit: ROWS_MAX }
      const rkeys = await index.rkeys(batch, aid, range)
      const gone = rkeys.filter((rkey) => !keep.has(rkey))
      if (gone.length > 0) {
        const fresh = await this.#freshPaths(batch, aid)
        for (const rkey of gone) {
          if (fresh.has(`${this.#collection}/${rkey}`)) continue
          await index.remove(batch, aid, rkey)
          this.#count(this.#collection, 'removed')
        }
      }
      this.#after = rkeys[rkeys.length - 1] ?? RKEY_END
      return rkeys.length < ROWS_MAX
    })
  }

  async #freshPaths(batch: Batch, aid: number): Promise<Set<string>> {
    const rows = await batch.sql.all<{ path: string }>(
      'select path from fresh_path where aid = ? and rev > ?',
      [aid, this.#rev],
    )
    return new Set(rows.map((row) => row.path))
  }

  readonly #count = (collection: string, verdict: string): void => {
    this.tally.add('record', collection, verdict)
  }
}

function* runsOf(records: readonly RepoRecord[]): Generator<Run> {
  let run: Run | undefined
  for (const record of records) {
    const collection = record.path.slice(0, record.path.indexOf('/'))
    if (run !== undefined && run.collection === collection && run.records.length < ROWS_MAX) {
      run.records.push(record)
      continue
    }
    if (run !== undefined) yield run
    run = { collection, records: [record] }
  }
  if (run !== undefined) yield run
}

function rkeyOf(path: string): string {
  return path.slice(path.indexOf('/') + 1)
}
