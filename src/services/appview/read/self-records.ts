import type { Sql } from '#platform/storage'
import { NOTHING_SAID, type Said, type Verification } from '../views/self-records.ts'
import { marks, padded } from './lists.ts'

const LABELER = 'app.bsky.labeler.service'
const STATUS = 'app.bsky.actor.status'
const VISIBILITY = 'app.bsky.actor.contentVisibilityDeclaration'
const NOTIFICATIONS = 'app.bsky.notification.declaration'
const CHAT = 'chat.bsky.actor.declaration'
const COLLECTIONS = [LABELER, STATUS, VISIBILITY, NOTIFICATIONS, CHAT]

interface Row {
  aid: number
  collection: string
  cid: Uint8Array
  body: string
  indexed_ms: number
}

interface VerificationRow {
  subject_aid: number
  did: string
  rkey: string
  handle: string
  display_name: string
  created_at: string
}

/** What accounts say of themselves beside their profiles, and what trusted verifiers say of them. */
export class SelfRecords {
  readonly #sql: Sql
  readonly #verifiers: readonly string[]

  constructor({ sql, verifiers }: { sql: Sql; verifiers: readonly string[] }) {
    this.#sql = sql
    this.#verifiers = verifiers
  }

  /** Of these accounts, at most 256: a function, as most have said nothing. */
  async of(
    accounts: readonly { aid: number; did: string }[],
  ): Promise<(account: { aid: number; did: string }) => Said> {
    const found = new Map<number, Said>()
    const change = (aid: number, more: Partial<Said>) =>
      found.set(aid, { ...(found.get(aid) ?? NOTHING_SAID), ...more })
    const aids = accounts.map(({ aid }) => aid)
    if (aids.length === 0) return () => NOTHING_SAID
    for (const row of await this.#records(aids)) change(row.aid, saidIn(row))
    for (const row of await this.#verifications(aids)) {
      const verifications = found.get(row.subject_aid)?.verifications ?? []
      change(row.subject_aid, { verifications: [...verifications, verificationOf(row)] })
    }
    for (const { aid, did } of accounts)
      if (this.#verifiers.includes(did)) change(aid, { isVerifier: true })
    return ({ aid }) => found.get(aid) ?? NOTHING_SAID
  }

  #records(aids: number[]): Promise<Row[]> {
    return this.#sql.all<Row>(
      `select aid, collection, cid, body, indexed_ms from record where rkey = 'self'
         and aid in (${marks(aids.length)}) and collection in (${marks(COLLECTIONS.length)})`,
      [...padded(aids), ...padded(COLLECTIONS)],
    )
  }

  /** Looked for by verifier, since anybody may say anything of anybody. */
  async #verifications(aids: number[]): Promise<VerificationRow[]> {
    const verifiers = this.#verifiers
    if (verifiers.length === 0) return []
    return this.#sql.all<VerificationRow>(
      `select v.subject_aid, i.did, v.rkey, v.handle, v.display_name, v.created_at
       from actor i cross join verification v
       where i.did in (${marks(verifiers.length)})
         and v.subject_aid in (${marks(aids.length)}) and v.aid = i.aid`,
      [...padded(verifiers), ...padded(aids)],
    )
  }
}

function saidIn({ collection, cid, body, indexed_ms }: Row): Partial<Said> {
  const record = JSON.parse(body) as Record<string, unknown>
  switch (collection) {
    case LABELER:
      return { isLabeler: true }
    case STATUS:
      return { status: { cid, body, indexedMs: indexed_ms } }
    case VISIBILITY:
      return { isUnlisted: record.hideFromAlgorithmicRecommendations === true }
    case NOTIFICATIONS:
      return { subscribers: record.allowSubscriptions as string }
    default:
      return { chat: record }
  }
}

function verificationOf(row: VerificationRow): Verification {
  const { did, rkey, handle, display_name, created_at } = row
  return { issuer: did, rkey, handle, displayName: display_name, createdAt: created_at }
}
