/**
 * A host on a small disk of its own that fills up: writes are refused with a name, reads go on, and
 * with room again everything goes on by itself. Needs to mount a tmpfs: where it may not, it says so.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { AtpAgent, XRPCError } from '@atproto/api'
import { eventually, ServerProcess, temporaryFolder } from '../rig.ts'

const NOTE = 'com.example.note'
const folder = temporaryFolder()
const disk = join(folder.path, 'disk')
const ballast = join(disk, 'ballast')
mkdirSync(disk)
/** Above the 128 MiB that a host keeps free. */
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=176m', 'tmpfs', disk]).status === 0
let plc: ServerProcess | undefined
let pds: ServerProcess | undefined

after(async () => {
  await pds?.kill()
  await plc?.kill()
  if (mounted) spawnSync('umount', ['-l', disk])
  folder.remove()
})

/** Writes until the disk takes no more, or so many bytes. */
function fill(bytes: number): void {
  const file = openSync(ballast, 'w')
  const chunk = Buffer.alloc(1 << 20, 1)
  try {
    for (let left = bytes; left > 0; left -= chunk.length) writeSync(file, chunk)
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
  } finally {
    closeSync(file)
  }
}

test('a full disk refuses writes by name, serves reads, loses nothing, and recovers by itself', async (t) => {
  if (!mounted) return t.skip('no tmpfs may be mounted here: a really full disk was not tried')
  plc = await new ServerProcess('plc', '--dev', '--data', join(folder.path, 'plc')).start()
  pds = await new ServerProcess('pds', '--dev', '--plc', plc.url, '--data', disk).start()
  const alice = new AtpAgent({ service: pds.url })
  await alice.createAccount({ handle: 'alice.test', email: 'a@mail.example', password: 'password' })
  const acknowledged = new Set<string>()
  let count = 0
  /** The error's name when it was refused. */
  const write = async (): Promise<string | undefined> => {
    const rkey = `k${count++}`
    const record = { text: 'x'.repeat(20_000) }
    try {
      const input = { repo: alice.assertDid, collection: NOTE, rkey, record }
      await alice.com.atproto.repo.createRecord(input)
      acknowledged.add(rkey)
      return undefined
    } catch (error) {
      assert.ok(error instanceof XRPCError, String(error))
      assert.equal(error.status, 503, error.message)
      return error.error
    }
  }
  const list = async () => {
    const found = new Set<string>()
    let cursor: string | undefined
    do {
      const params = { repo: alice.assertDid, collection: NOTE, limit: 100, cursor }
      const { data } = await alice.com.atproto.repo.listRecords(params)
      for (const { uri } of data.records) found.add(uri.split('/').at(-1)!)
      cursor = data.records.length === 100 ? data.cursor : undefined
    } while (cursor)
    return found
  }
  for (const bytes of [60 << 20, Number.POSITIVE_INFINITY]) {
    for (let i = 0; i < 20; i++) assert.equal(await write(), undefined)
    fill(bytes)
    const names = new Set<string | undefined>()
    for (let i = 0; i < 300 && !names.has('NotEnoughResources'); i++) names.add(await write())
    assert.ok(names.has('NotEnoughResources'), [...names].join())
    for (const name of names) {
      assert.ok([undefined, 'NotEnoughResources', 'AccountStopped'].includes(name), String(name))
    }
    const upload = alice.uploadBlob(new Uint8Array(1000), { encoding: 'image/png' })
    await assert.rejects(upload, { status: 503, error: 'NotEnoughResources' })
    const there = await list()
    for (const rkey of acknowledged) assert.ok(there.has(rkey), `reads go on, ${rkey} is there`)
    rmSync(ballast)
    await eventually('writing again', async () => (await write()) === undefined, 60_000)
    await alice.uploadBlob(new Uint8Array(1000), { encoding: 'image/png' })
  }
  await pds.kill()
  await pds.start()
  const there = await list()
  for (const rkey of acknowledged) assert.ok(there.has(rkey), `lost ${rkey}`)
})
