import type { Fetch, Sealer } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { fromHex, hex } from '#protocol/crypto'
import { type KeptIdentity, keptServiceIdentity, type PlcUrls } from '#protocol/identity'

const SETTING = 'identity'

export type OwnIdentity = Pick<KeptIdentity, 'did' | 'refresh' | 'signingKeyHex'>

/** The vault's own did:plc, made on the first start and kept sealed in its database. */
export function loadOwnIdentity(options: {
  sql: Sql
  sealer: Sealer
  plcUrl: PlcUrls
  publicUrl: string
  fetch: Fetch
  random: (byteCount: number) => Uint8Array
}): Promise<OwnIdentity> {
  const { sql, sealer, plcUrl, publicUrl, fetch, random } = options
  return keptServiceIdentity({
    plcUrl,
    fetch,
    random,
    endpoint: publicUrl,
    serviceId: '#falaj_vault',
    serviceType: 'FalajVault',
    async read() {
      const select = 'select value from setting where name = ?'
      const row = await sql.get<{ value: string }>(select, [SETTING])
      return row && sealer.open(fromHex(row.value), SETTING)
    },
    async write(bytes) {
      const sealed = hex(sealer.seal(bytes, SETTING))
      await sql.run('insert into setting (name, value) values (?, ?)', [SETTING, sealed])
    },
  })
}
