import { createLru, type Fetch } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { cidText } from '#protocol/data'
import { type Directory, identityOf } from '#protocol/identity'
import { validateRecord } from '#protocol/lexicon'
import { type Did, isCidSyntax } from '#protocol/syntax'
import { marks, padded, pieces } from '../read/lists.ts'
import { type RecordKey, type RecordMarks, recordMarks } from '../read/record-marks.ts'

export const LABELER_SERVICE = 'app.bsky.labeler.service'

/** What a labeler says of itself. */
export interface LabelerService {
  did: Did
  /** 0 for a labeler that has no repository. */
  aid: number
  cid: string
  record: Record<string, unknown>
  indexedMs: number
}

interface Row {
  aid: number
  did: Did
  cid: Uint8Array
  body: string
  indexed_ms: number
}

const ASKED_MAX = 100
const ASKED_MS = 600_000
const TIMEOUT_MS = 5_000
const RECORD_BYTES_MAX = 1_000_000

/** Labelers as they describe themselves: from their repository, or our own ones asked directly. */
export class LabelerServices {
  readonly #sql: Sql
  readonly #directory: Directory
  readonly #fetch: Fetch
  readonly #own: () => readonly Did[]
  readonly #now: () => number
  readonly #asked = createLru<Did, { service: LabelerService | undefined; untilMs: number }>({
    maxEntries: ASKED_MAX,
  })

  constructor(parts: {
    sql: Sql
    directory: Directory
    fetch: Fetch
    own: () => readonly Did[]
    now: () => number
  }) {
    this.#sql = parts.sql
    this.#directory = parts.directory
    this.#fetch = parts.fetch
    this.#own = parts.own
    this.#now = parts.now
  }

  /** In the order asked for; unknown ones are left out. `isAsking`: our own are asked, which takes time. */
  async load(dids: readonly Did[], { isAsking = true } = {}): Promise<LabelerService[]> {
    const found = new Map<Did, LabelerService>()
    for (const piece of pieces(dids)) {
      const rows = await this.#sql.all<Row>(
        `select a.aid, a.did, r.cid, r.body, r.indexed_ms from actor a
         join record r on r.aid = a.aid and r.collection = '${LABELER_SERVICE}' and r.rkey = 'self'
         where a.did in (${marks(piece.length)})`,
        padded(piece),
      )
      for (const { aid, did, cid, body, indexed_ms: indexedMs } of rows)
        found.set(did, { did, aid, cid: cidText(cid), record: JSON.parse(body), indexedMs })
    }
    for (const did of isAsking ? this.#own() : []) {
      if (found.has(did) || !dids.includes(did)) continue
      const service = await this.#ask(did)
      if (service) found.set(did, service)
    }
    return [...new Set(dids)].flatMap((did) => found.get(did) ?? [])
  }

  /** Likes of each, and the viewer's own (0: nobody's). */
  marks(keys: readonly RecordKey[], viewerAid: number): Promise<RecordMarks[]> {
    return recordMarks(this.#sql, keys, viewerAid)
  }

  async #ask(did: Did): Promise<LabelerService | undefined> {
    const known = this.#asked.get(did)
    if (known !== undefined && known.untilMs > this.#now()) return known.service
    const service = await this.#read(did).catch(() => undefined)
    // One that does not answer is asked again the next time.
    if (service) this.#asked.set(did, { service, untilMs: this.#now() + ASKED_MS })
    return service
  }

  async #read(did: Did): Promise<LabelerService | undefined> {
    const document = await this.#directory.document(did)
    const url = document && identityOf(document).service('atproto_labeler', 'AtprotoLabeler')
    if (url === undefined) return undefined
    const query = `repo=${encodeURIComponent(did)}&collection=${LABELER_SERVICE}&rkey=self`
    const limits = { timeoutMs: TIMEOUT_MS, maxResponseBytes: RECORD_BYTES_MAX }
    const response = await this.#fetch(`${url}/xrpc/com.atproto.repo.getRecord?${query}`, limits)
    if (response.status !== 200) return undefined
    const { cid, value } = (await response.json()) as { cid: string; value: object }
    const { status } = validateRecord(LABELER_SERVICE, value)
    if (status !== 'valid' || typeof cid !== 'string' || !isCidSyntax(cid)) return undefined
    const record = value as Record<string, unknown>
    return { did, aid: 0, cid, record, indexedMs: Date.parse(String(record.createdAt)) }
  }
}
