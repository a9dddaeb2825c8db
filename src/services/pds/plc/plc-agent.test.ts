/** A host whose rotation key is held elsewhere. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKey } from '#protocol/crypto'
import { type PlcSigner, plcSignerIndex, UpstreamError } from '#protocol/identity'
import { TestHost } from '../testing/host.test-support.ts'

const key = generateKey('k256')
let isAway = false
let signedCount = 0
const signer: PlcSigner = {
  publicKey: key.publicKey,
  async sign(message) {
    if (isAway) throw new UpstreamError('UpstreamFailure', 'the rotation signer', 'It is away')
    signedCount++
    return key.sign(message)
  },
}

test('identities are signed where the key is, and while it is away nothing is half done', async () => {
  const host = await TestHost.open({ rotationKey: signer })
  const alice = await host.signUp('alice')
  assert.equal(signedCount, 1)
  const [genesis] = host.plc.log(alice.did)
  assert.equal(plcSignerIndex(genesis!.operation, [key.publicKey.didKey]), 0)

  isAway = true
  const input = { handle: 'bob.test', email: 'bob@mail.example', password: 'password of bob' }
  const refused = await host.post('com.atproto.server.createAccount', input)
  assert.deepEqual([refused.status, refused.body.error], [502, 'UpstreamFailure'])
  const renamed = await host.post(
    'com.atproto.identity.updateHandle',
    { handle: 'alice-two.test' },
    alice.accessJwt,
  )
  assert.deepEqual([renamed.status, renamed.body.error], [502, 'UpstreamFailure'])
  const record = { repo: alice.did, collection: 'com.example.note', record: {} }
  const written = await host.post('com.atproto.repo.createRecord', record, alice.accessJwt)
  assert.equal(written.status, 200)

  isAway = false
  assert.equal((await host.post('com.atproto.server.createAccount', input)).status, 200)
  const handle = { handle: 'alice-two.test' }
  const again = await host.post('com.atproto.identity.updateHandle', handle, alice.accessJwt)
  assert.equal(again.status, 200)
  await host.close()
})
