import type { Sql } from '#platform/storage'

/** Columns that hold accounts: shown as DIDs, since their numbers depend on who was seen first. */
const AID = /^(aid|author_aid|subject_aid|root_aid|parent_aid|quote_aid|list_aid|pack_aid)$/
/** What depends on when things were indexed, not on what. */
const PASSING = new Set(['id', 'seen_ms', 'indexed_ms', 'handle_due_ms', 'handle_failures'])
const TABLES = [
  'actor',
  'profile',
  'actor_count',
  'post',
  'feed_item',
  'feed_like',
  'repost',
  'follow',
  'block',
  'subject_count',
  'record',
  'notice',
  'user_list',
  'list_item',
  'list_block',
  'list_opt_out',
  'verification',
  'item_count',
  'pack_join',
  'tag_use',
  'dead_letter',
]

/** The whole index as text, the same for the same content however it came to be. */
export async function dumpIndex(sql: Sql, except: readonly string[] = []): Promise<string> {
  const actors = await sql.all<{ aid: number; did: string }>('select aid, did from actor')
  const dids = new Map(actors.map(({ aid, did }) => [aid, did]))
  const parts: string[] = []
  for (const table of TABLES) {
    if (except.includes(table)) continue
    const rows = await sql.all(`select * from ${table}`)
    const lines = rows.map((row) =>
      JSON.stringify(
        Object.entries(row)
          .filter(([name]) => !PASSING.has(name))
          .map(([name, value]) => {
            if (AID.test(name)) return dids.get(value as number) ?? value
            return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
          }),
      ),
    )
    // A count that came back to nothing is as good as none.
    const kept = lines.filter((line) => !/,0(,0)+\]$/.test(line) || !table.endsWith('_count'))
    parts.push(`# ${table}`, ...kept.sort())
  }
  return parts.join('\n')
}
