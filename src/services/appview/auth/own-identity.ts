import type { Fetch, Sealer } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { fromHex, hex } from '#protocol/crypto'
import { ensureServiceIdentity, type ServiceIdentity } from '#protocol/identity'
import type { Did } from '#protocol/syntax'

const SETTING = 'identity'

export interface OwnIdentity {
  did: Did
  /** Brings the DID document up to date; on the first start that was done already. */
  refresh(): Promise<void>
}

/**
 * The app view's own did:plc, made on the first start and kept sealed. On later starts the directory
 * need not answer: the document is checked in the background.
 */
export async function loadOwnIdentity(options: {
  sql: Sql
  sealer: Sealer
  plcUrl: string
  publicUrl: string
  fetch: Fetch
  random: (byteCount: number) => Uint8Array
}): Promise<OwnIdentity> {
  const { sql, sealer, plcUrl, publicUrl, fetch, random } = options
  const wanted = {
    plcUrl,
    fetch,
    random,
    endpoint: publicUrl,
    serviceId: '#bsky_appview',
    serviceType: 'BskyAppView',
  }
  const row = await sql.get<{ value: string }>('select value from setting where name = ?', [
    SETTING,
  ])
  if (row !== undefined) {
    const text = new TextDecoder().decode(sealer.open(fromHex(row.value), SETTING))
    const stored = JSON.parse(text) as ServiceIdentity
    const refresh = async () => void (await ensureServiceIdentity({ ...wanted, stored }))
    return { did: stored.did, refresh }
  }
  const made = await ensureServiceIdentity(wanted)
  const sealed = sealer.seal(new TextEncoder().encode(JSON.stringify(made)), SETTING)
  await sql.run('insert into setting (name, value) values (?, ?)', [SETTING, hex(sealed)])
  return { did: made.did, refresh: async () => {} }
}
