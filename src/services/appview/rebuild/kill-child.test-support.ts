/**
 * An app view with files on a disk whose index is made anew, for a test that kills it: `folder seed run`.
 * Says `started` when it begins and `equal` when another index serves and answers as it should.
 */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadMigrations, openSqlite, removeSqliteFile, type Sql } from '#platform/storage'
import { appviewMigrations, type IndexFiles } from '../index.ts'
import { compare } from '../model/compare.test-support.ts'
import { History } from '../model/history.test-support.ts'

const DAY_MS = 86_400_000
const [folder, seed, run] = process.argv.slice(2) as [string, string, string]
const pointer = join(folder, 'current')

/** Files as a server has them. */
class DiskFiles implements IndexFiles {
  current = existsSync(pointer) ? readFileSync(pointer, 'utf8') : 'appview.sqlite'
  sql!: Sql

  async open(name: string): Promise<Sql> {
    const migrations = loadMigrations(appviewMigrations)
    const sql = await openSqlite(join(folder, name), { migrations })
    if (name === this.current) this.sql = sql
    else this.#made = sql
    return sql
  }

  #made: Sql | undefined

  async choose(name: string): Promise<void> {
    writeFileSync(`${pointer}.new`, name)
    renameSync(`${pointer}.new`, pointer)
    this.current = name
    this.sql = this.#made!
  }

  async keepOnly(names: readonly string[]): Promise<void> {
    for (const name of readdirSync(folder))
      if (name.endsWith('.sqlite') && !names.includes(name)) removeSqliteFile(join(folder, name))
  }

  async room(): Promise<{ bytes: number; freeBytes: number }> {
    return { bytes: 0, freeBytes: 1e12 }
  }
}

const files = new DiskFiles()
const history = new History({
  ...{ seed: Number(seed), isLossy: false, files },
  more: { adminPassword: 'secret' },
})
const { world, facts, people } = history
history.introduce()
for (let i = 0; i < 200; i++) await history.act()
history.deliver()
// Whatever an earlier run put off is due again.
await world.outside.advance(Number(run) * DAY_MS)
await world.start()
await world.settle()
const [ann] = people
for (const other of people.slice(1)) {
  await world.post('app.bsky.graph.muteActor', { actor: other.did }, ann)
  facts.mutes.add(`${ann!.did} ${other.did}`)
}
if (files.current === 'appview.sqlite') {
  process.stdout.write('started\n')
  await world.fetch('/xrpc/app.falaj.appview.rebuild', {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from('admin:secret').toString('base64')}`,
      'content-type': 'application/json',
    },
    body: new TextEncoder().encode('{"action":"start"}'),
  })
}
const indexes = () => readdirSync(folder).filter((name) => name.endsWith('.sqlite'))
while (files.current === 'appview.sqlite' || indexes().length > 1) await world.outside.advance(2)
await world.settle()
await compare(history)
process.stdout.write('equal\n', () => process.exit(0))
