import type { Sql } from '#platform/storage'
import type { Did, Tid } from '#protocol/syntax'
import { beginningsOf, wordsOf } from '../text/index.ts'
import { listOf, piecesOf } from './lists.ts'

/** One account as the index knows it. */
export interface Actor {
  aid: number
  did: Did
  handle: string | null
  /** Why it is hidden; null when active. */
  status: string | null
  rev: Tid | null
  name: string
  about: string
}

/** Bytes of a profile that are kept, beyond what its lexicon allows anyway. */
const NAME_LENGTH_MAX = 640
const ABOUT_LENGTH_MAX = 4_000

/** The accounts of these DIDs, within a transaction; made, and due for a lookup, when not yet known. */
export async function loadActors(
  sql: Sql,
  dids: readonly Did[],
  nowMs: number,
): Promise<{ actors: Map<Did, Actor>; made: number }> {
  const actors = await readActors(sql, dids)
  const missing = dids.filter((did) => !actors.has(did))
  if (missing.length > 0) {
    await sql.runMany(
      'insert into actor (did, handle_due_ms) values (?, ?) on conflict (did) do nothing',
      missing.map((did) => [did, nowMs]),
    )
    for (const [did, actor] of await readActors(sql, missing)) actors.set(did, actor)
  }
  return { actors, made: missing.length }
}

async function readActors(sql: Sql, dids: readonly Did[]): Promise<Map<Did, Actor>> {
  const found = new Map<Did, Actor>()
  for (const piece of piecesOf(dids)) {
    const { marks, values } = listOf(piece)
    const rows = await sql.all<Actor>(
      `select aid, did, handle, status, rev, name, about from actor where did in (${marks})`,
      values,
    )
    for (const row of rows) found.set(row.did, row)
  }
  return found
}

/** Writes what commits and account events changed. */
export async function writeActors(sql: Sql, actors: readonly Actor[]): Promise<void> {
  if (actors.length === 0) return
  await sql.runMany(
    'update actor set status = ?, rev = ?, name = ?, about = ? where aid = ?',
    actors.map(({ aid, status, rev, name, about }) => [status, rev, name, about, aid]),
  )
}

/** Brings the words of accounts up to date after their profile or handle changed. */
export async function indexActors(sql: Sql, actors: readonly Actor[]): Promise<void> {
  if (actors.length === 0) return
  await sql.runMany(
    'insert or replace into actor_text (rowid, handle, name, about) values (?, ?, ?, ?)',
    actors.map(({ aid, handle, name, about }) => [
      aid,
      wordsOf(handle ?? '').join(' '),
      wordsOf(name).join(' '),
      wordsOf(about).join(' '),
    ]),
  )
}

/** What a profile says of its account, within bounds. */
export function profileTexts(profile: { displayName?: string; description?: string }): {
  name: string
  about: string
} {
  return {
    name: (profile.displayName ?? '').slice(0, NAME_LENGTH_MAX),
    about: (profile.description ?? '').slice(0, ABOUT_LENGTH_MAX),
  }
}

/** Takes an account out at once: nothing of it is found again, also if its DID comes back. */
export async function removeActor(sql: Sql, did: Did): Promise<void> {
  const row = await sql.get<{ aid: number }>(
    `update actor set did = null, handle = null, handle_due_ms = null, status = 'deleted',
       name = '', about = '' where did = ? returning aid`,
    [did],
  )
  if (row !== undefined) await sql.run('delete from actor_text where rowid = ?', [row.aid])
}

/** Hits among which the best accounts are looked for, and how many pages can show. */
export const ACTORS_RANKED_MAX = 1_000
/** Accounts found by the beginning of their handle. */
const BY_HANDLE_MAX = 100
/** A word of the handle weighs more than one of the name, that more than one of the description. */
const SCORE = 'bm25(actor_text, 10.0, 5.0, 1.0)'
const AFTER_DOT = '/' // the character after `.`

/** Reads of the index of accounts. Hidden ones are not found. */
export class Actors {
  readonly #sql: Sql

  constructor({ sql }: { sql: Sql }) {
    this.#sql = sql
  }

  /** Accounts that have all these words, the best first. First of all, who has this as a handle. */
  async search(text: string): Promise<Did[]> {
    const phrases = phrasesOf(text.split(/\s+/))
    if (phrases.length === 0) return []
    const handle = handleOf(text)
    const exact = handle === undefined ? [] : await this.#named(handle)
    return unique(exact, await this.#matching(phrases.join(' AND ')))
  }

  /** Accounts whose handle or name has these words, the last of them perhaps only begun. */
  async typeahead(text: string): Promise<Did[]> {
    const pieces = text.trim().split(/\s+/)
    const last = pieces.pop()!
    const terms = [...phrasesOf(pieces), ...begunTerm(last)]
    if (terms.length === 0) return []
    const handle = pieces.length === 0 ? handleOf(last) : undefined
    const byHandle = handle === undefined ? [] : await this.#beginning(handle)
    return unique(byHandle, await this.#matching(`{handle name} : (${terms.join(' AND ')})`))
  }

  async #matching(match: string): Promise<Did[]> {
    const rows = await this.#sql.all<{ did: Did }>(
      `select a.did from (select rowid as aid, ${SCORE} as score from actor_text
         where actor_text match ? order by rowid limit ${ACTORS_RANKED_MAX}) f
       cross join actor a where a.aid = f.aid and a.status is null and a.did is not null
       order by f.score, f.aid`,
      [match],
    )
    return rows.map((row) => row.did)
  }

  /** Who has the handle, then those of whose handle it is the first part. */
  async #named(handle: string): Promise<Did[]> {
    const rows = await this.#sql.all<{ did: Did }>(
      `select did from actor where (handle = ? or (handle > ? and handle < ?))
         and status is null and did is not null order by handle limit ${BY_HANDLE_MAX}`,
      [handle, `${handle}.`, `${handle}${AFTER_DOT}`],
    )
    return rows.map((row) => row.did)
  }

  async #beginning(handle: string): Promise<Did[]> {
    const rows = await this.#sql.all<{ did: Did }>(
      `select did from actor where handle >= ? and handle < ?
         and status is null and did is not null order by handle limit ${BY_HANDLE_MAX}`,
      [handle, `${handle}\x7f`],
    )
    return rows.map((row) => row.did)
  }
}

/** Each piece with words in it; several of one piece (`alice.test`) stand together. */
function phrasesOf(pieces: readonly string[]): string[] {
  return pieces.map(wordsOf).flatMap((words) => (words.length > 0 ? [quoted(words)] : []))
}

/** The last piece of what is being typed: one word that is only begun, or several run together. */
function begunTerm(piece: string): string[] {
  const words = wordsOf(piece)
  if (words.length === 0) return []
  if (words.length > 1) return [`${quoted(words)} *`]
  const forms = beginningsOf(piece).map((form) => `${quoted([form])} *`)
  return [`(${forms.join(' OR ')})`]
}

/** Words hold letters, digits and emoji only, so quotes are all the care they need. */
const quoted = (words: readonly string[]) => `"${words.join(' ')}"`

function handleOf(text: string): string | undefined {
  const handle = text.trim().replace(/^@/, '').toLowerCase()
  return /^[a-z0-9][a-z0-9.-]*$/.test(handle) ? handle.replace(/\.$/, '') : undefined
}

function unique(...lists: (readonly Did[])[]): Did[] {
  return [...new Set(lists.flat())]
}
