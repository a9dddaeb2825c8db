import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { cidForRaw } from '#protocol/crypto'
import { cidText } from '#protocol/data'
import type { PlcOperation } from '#protocol/identity'
import type { Handle } from '#protocol/syntax'
import { FakeHosts, FROM, ok, refused, repoOf, TO } from './fake-hosts.test-support.ts'
import { type MoveDeps, move, planMove } from './move.ts'
import type { MoveProgress, MoveReceipt, MoveState } from './move-state.ts'
import { preflight } from './preflight.ts'
import { resumeSession } from './session.ts'

const ns = (name: string) => `com.atproto.${name}`
const TARGET = 'did:web:to.example'
const picture = new Uint8Array([1, 2, 3])
const PICTURE = cidText(cidForRaw(picture))

let hosts: FakeHosts
let saved: MoveState[]
/** What the new host holds: nothing before the import. */
let copied: Uint8Array | undefined
let missing: string[]

/** Two hosts that behave; tests replace single answers. */
beforeEach(() => {
  hosts = new FakeHosts()
  saved = []
  copied = undefined
  missing = [PICTURE]
  const { car } = repoOf(hosts.did, hosts.key, 5)
  const session = { did: hosts.did, handle: 'alice.example', accessJwt: 'a', refreshJwt: 'r' }
  const credentials = (endpoint: string) => ({
    rotationKeys: hosts.genesis.rotationKeys,
    alsoKnownAs: ['at://alice.example'],
    verificationMethods: { atproto: hosts.key.publicKey.didKey },
    services: { atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint } },
  })
  const head = { repoCommit: PICTURE, repoRev: '3l3qo2vutsw2b', repoBlocks: 1 }
  const status = { activated: true, validDid: true, ...head }
  const counts = { indexedRecords: 5, privateStateValues: 0, expectedBlobs: 1 }

  hosts.on(FROM, ns('server.getServiceAuth'), () => ok({ token: 'grant' }))
  hosts.on(FROM, ns('server.checkAccountStatus'), () =>
    ok({ ...status, ...counts, importedBlobs: 1 }),
  )
  hosts.on(FROM, ns('sync.getRepo'), () => ({ bytes: car }))
  hosts.on(FROM, ns('sync.getBlob'), () => ({ bytes: picture }))
  hosts.on(FROM, 'app.bsky.actor.getPreferences', () => ok({ preferences: [] }))
  hosts.on(FROM, ns('identity.getRecommendedDidCredentials'), () => ok(credentials(FROM)))
  hosts.on(FROM, 'app.falaj.account.confirmPassword', () => ok({ code: 'ABCDE-FGHIJ' }))
  hosts.on(FROM, ns('identity.signPlcOperation'), () =>
    ok({ operation: hosts.operation(hosts.lastCid, TO) }),
  )
  hosts.on(FROM, 'app.falaj.move.freeze', () => ok({ rev: '3l3qo2vutsw2b' }))
  hosts.on(FROM, ns('server.deactivateAccount'), () => ({}))

  hosts.on(TO, ns('server.describeServer'), () =>
    ok({ did: TARGET, availableUserDomains: [], inviteCodeRequired: false }),
  )
  hosts.on(TO, ns('server.createAccount'), () => ok(session))
  hosts.on(TO, ns('repo.importRepo'), () => {
    copied = car
    return {}
  })
  hosts.on(TO, ns('sync.getRepo'), () =>
    copied ? { bytes: copied } : refused(400, 'RepoNotFound'),
  )
  hosts.on(TO, ns('repo.listMissingBlobs'), () =>
    ok({ blobs: missing.map((cid) => ({ cid, recordUri: `at://${hosts.did}/a.b.c/1` })) }),
  )
  hosts.on(TO, ns('repo.uploadBlob'), () => {
    missing = []
    return ok({ blob: { $type: 'blob', ref: { $link: PICTURE }, mimeType: 'image/png', size: 3 } })
  })
  hosts.on(TO, ns('server.checkAccountStatus'), () =>
    ok({ ...status, ...counts, importedBlobs: 1 - missing.length }),
  )
  hosts.on(TO, 'app.bsky.actor.putPreferences', () => ({}))
  hosts.on(TO, 'app.bsky.actor.getPreferences', () => ok({ preferences: [] }))
  hosts.on(TO, ns('identity.getRecommendedDidCredentials'), () => ok(credentials(TO)))
  hosts.on(TO, ns('identity.submitPlcOperation'), ({ input }) => {
    hosts.last = (input as { operation: PlcOperation }).operation
    return {}
  })
  hosts.on(TO, ns('server.activateAccount'), () => ({}))
})

const owner = () => {
  const tokens = { accessJwt: 'a', refreshJwt: 'r' }
  const handle = 'alice.example' as Handle
  return resumeSession({ service: FROM, did: hosts.did, handle, ...tokens }, { fetch: hosts.fetch })
}
const check = (destination = TO) =>
  preflight({ source: owner(), destination, plc: hosts.plc, fetch: hosts.fetch })

const deps = (more: Partial<MoveDeps> = {}): MoveDeps => ({
  fetch: hosts.fetch,
  plc: hosts.plc,
  now: () => 1_700_000_100_000,
  save: (state) => void saved.push(structuredClone(state)),
  password: 'password',
  askCode: () => Promise.reject(new Error('nobody is asked')),
  streamUploads: false,
  ...more,
})

async function run(state: MoveState, more?: Partial<MoveDeps>) {
  const steps: string[] = []
  const moving = move(state, deps(more))
  for (;;) {
    const next: IteratorResult<MoveProgress, MoveReceipt> = await moving.next()
    if (next.done) return { receipt: next.value, steps: [...new Set(steps)] }
    steps.push(next.value.step)
  }
}
const begin = async () => planMove(owner(), await check(), 1_700_000_000_000)

describe('the check before a move', () => {
  test('counts what moves, and asks for nothing that changes anything', async () => {
    const found = await check()
    assert.deepEqual([found.records, found.blobs, found.obstacles], [5, 1, []])
    assert.ok(
      hosts.asked.every(({ input }) => input === undefined),
      'only questions',
    )
  })

  test('names every obstacle', async () => {
    assert.deepEqual((await check(FROM)).obstacles, ['same-host', 'destination-unreachable'])
    hosts.on(FROM, ns('identity.getRecommendedDidCredentials'), () => ok({ rotationKeys: [] }))
    assert.deepEqual((await check()).obstacles, ['source-cannot-sign'])
    await assert.rejects(begin(), { code: 'CannotMove' })
  })
})

describe('a move', () => {
  test('goes through its steps to a receipt, saved after each', async () => {
    const { receipt, steps } = await run(await begin())
    assert.deepEqual(steps.at(-1), 'done')
    assert.deepEqual([receipt.sameRoot, receipt.records, receipt.blobs], [true, 5, 1])
    assert.deepEqual(receipt.missingBlobs, [])
    assert.equal(saved.at(-1)?.step, 'done')
    assert.equal(saved.length, 10, 'and once before the identity changes')
  })

  test('takes up an account that an earlier try left behind', async () => {
    hosts.on(TO, ns('server.createAccount'), () => refused(400, 'AlreadyExists'))
    hosts.on(TO, ns('server.createSession'), () =>
      ok({ did: hosts.did, handle: 'alice.example', accessJwt: 'x', refreshJwt: 'y' }),
    )
    const { receipt } = await run(await begin())
    assert.equal(receipt.sameRoot, true)
  })

  test('asks for the mailed code where the host sends mail', async () => {
    hosts.on(FROM, 'app.falaj.account.confirmPassword', () => refused(400, 'MailRequired'))
    hosts.on(FROM, ns('identity.requestPlcOperationSignature'), () => ({}))
    let wasAsked = 0
    await run(await begin(), { askCode: async () => `CODE-${++wasAsked}` })
    assert.equal(wasAsked, 1)
    const signed = hosts.asked.find(({ nsid }) => nsid === ns('identity.signPlcOperation'))
    assert.equal((signed!.input as { token: string }).token, 'CODE-1')
  })

  test('moves from a host that cannot hold writes back', async () => {
    hosts.on(FROM, 'app.falaj.move.freeze', () => refused(501, 'MethodNotImplemented'))
    hosts.on(FROM, 'app.falaj.account.confirmPassword', () => refused(501, 'MethodNotImplemented'))
    hosts.on(FROM, ns('identity.requestPlcOperationSignature'), () => ({}))
    const { receipt } = await run(await begin(), { askCode: async () => 'CODE' })
    assert.equal(receipt.sameRoot, true)
  })

  test('copies again what was written meanwhile', async () => {
    const later = repoOf(hosts.did, hosts.key, 7, 1_700_000_050_000)
    let reads = 0
    const { car } = repoOf(hosts.did, hosts.key, 5)
    // Two requests make a copy; the third finds the repository grown.
    hosts.on(FROM, ns('sync.getRepo'), () => ({ bytes: ++reads <= 2 ? car : later.car }))
    hosts.on(TO, ns('repo.importRepo'), ({ input }) => {
      copied = input as Uint8Array
      return {}
    })
    const { receipt } = await run(await begin())
    assert.equal(receipt.destinationHead.data, cidText(later.head.data))
    assert.equal(hosts.count(TO, ns('repo.importRepo')), 2)
  })

  test('does not switch while the new host holds another tree, and lets writes in again', async () => {
    const other = repoOf(hosts.did, hosts.key, 1)
    hosts.on(TO, ns('sync.getRepo'), () => ({ bytes: other.car }))
    await assert.rejects(run(await begin()), { code: 'CannotMove' })
    assert.equal(hosts.count(TO, ns('identity.submitPlcOperation')), 0)
    const freezes = hosts.asked.filter(({ nsid }) => nsid === 'app.falaj.move.freeze')
    assert.deepEqual(freezes.map(({ input }) => (input as { seconds: number }).seconds).at(-1), 0)
    assert.equal(hosts.count(FROM, ns('server.deactivateAccount')), 0)
  })

  test('asks the directory when the answer to the switch was lost, and goes on', async () => {
    hosts.on(TO, ns('identity.submitPlcOperation'), ({ input }) => {
      hosts.last = (input as { operation: PlcOperation }).operation
      return undefined
    })
    const { receipt } = await run(await begin())
    assert.equal(receipt.operation, hosts.lastCid)
  })

  test('stays where it was when the switch did not happen, and goes on later', async () => {
    hosts.on(TO, ns('identity.submitPlcOperation'), () => undefined)
    await assert.rejects(run(await begin()), { error: 'UpstreamFailure' })
    const state = saved.at(-1)!
    assert.equal(state.step, 'switch')
    hosts.on(TO, ns('identity.submitPlcOperation'), ({ input }) => {
      hosts.last = (input as { operation: PlcOperation }).operation
      return {}
    })
    const { receipt } = await run(state)
    assert.equal(receipt.sameRoot, true)
  })

  test('does not submit twice what is in force already', async () => {
    await run(await begin())
    const state = saved.find((one) => one.step === 'switch')!
    const before = hosts.count(TO, ns('identity.submitPlcOperation'))
    await run(structuredClone(state))
    assert.equal(hosts.count(TO, ns('identity.submitPlcOperation')), before)
  })

  test('has the change signed anew when the identity changed meanwhile', async () => {
    await run(await begin())
    const state = structuredClone(saved.find((one) => one.step === 'switch')!)
    hosts.last = hosts.operation(hosts.lastCid, FROM)
    const { receipt } = await run(state)
    assert.equal(hosts.last.services.atproto_pds?.endpoint, TO)
    assert.equal(receipt.operation, hosts.lastCid)
  })

  test('asks again for a blob that was cut off on the way', async () => {
    let tries = 0
    hosts.on(FROM, ns('sync.getBlob'), () =>
      tries++ === 0
        ? { bytes: picture.subarray(0, 2), length: picture.length }
        : { bytes: picture, length: picture.length },
    )
    const { receipt } = await run(await begin())
    assert.deepEqual([receipt.missingBlobs, tries], [[], 2])
  })

  test('tells of blobs that the old host no longer has, and takes no wrong bytes', async () => {
    hosts.on(FROM, ns('sync.getBlob'), () => ({ bytes: new Uint8Array([9]) }))
    const { receipt } = await run(await begin())
    assert.deepEqual(receipt.missingBlobs, [PICTURE])
    assert.equal(hosts.count(TO, ns('repo.uploadBlob')), 0)
  })
})
