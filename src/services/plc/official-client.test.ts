import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { IdResolver } from '@atproto/identity'
import {
  createMetrics,
  type Listening,
  listen,
  networkSubscribe,
  realOutside,
  type Service,
  silentLog,
} from '#platform/runtime'
import { loadMigrations, openSqlite } from '#platform/storage'
import { networkDirectory, plcClient, plcOperationCid } from '#protocol/identity'
import { createPlc, plcConfig, plcMigrations } from './index.ts'
import { Person } from './plc.test-support.ts'

let service: Service
let listening: Listening
const outside = realOutside({ allowPrivate: true })
before(async () => {
  const sql = await openSqlite(':memory:', { migrations: loadMigrations(plcMigrations) })
  const deps = { outside, log: silentLog, metrics: createMetrics() }
  service = await createPlc(plcConfig.with({ limits: false }), { ...deps, sql })
  listening = await listen(service, { ...deps, port: 0, loopbackOnly: true })
})
after(async () => {
  await listening.close()
  await service.close()
})

test('the official resolver reads a DID of ours over a socket', async () => {
  const alice = new Person()
  const client = plcClient({ ...outside, plcUrl: listening.url })
  await client.submit(alice.did, alice.genesis)

  const resolver = new IdResolver({ plcUrl: listening.url, fetch: globalThis.fetch })
  const data = await resolver.did.resolveAtprotoData(alice.did)
  assert.deepEqual(data, {
    did: alice.did,
    signingKey: alice.keys[0]!.publicKey.didKey,
    handle: 'alice.test',
    pds: 'https://pds.example',
  })
  assert.equal(await resolver.did.resolve(new Person('nobody').did), null)

  const first = plcOperationCid(alice.genesis)
  await client.submit(alice.did, alice.named(first, 'alicia'))
  assert.equal((await resolver.did.resolveAtprotoData(alice.did)).handle, 'alicia.test')
})

test('our own client and directory read it over the same socket', async () => {
  const bob = new Person('bob')
  const client = plcClient({ ...outside, plcUrl: listening.url })
  await client.submit(bob.did, bob.genesis)
  assert.equal((await client.log(bob.did))?.valid.length, 1)
  const directory = networkDirectory({ ...outside, plcUrl: listening.url })
  assert.equal((await directory.document(bob.did))?.id, bob.did)
  await client.submit(bob.did, bob.tombstone(plcOperationCid(bob.genesis)))
  assert.equal(await directory.document(bob.did), undefined)
  assert.equal((await client.log(bob.did))?.data, undefined)
})

test('the stream tells new operations over a WebSocket', async () => {
  const abort = new AbortController()
  const url = `${listening.url}/export/stream?cursor=0`
  const frames = networkSubscribe({ allowPrivate: true })(url, { signal: abort.signal })
  const carol = new Person('carol')
  await plcClient({ ...outside, plcUrl: listening.url }).submit(carol.did, carol.genesis)
  for await (const batch of frames)
    if (batch.some((frame) => (JSON.parse(frame as string) as { did: string }).did === carol.did))
      break
  abort.abort()
})
