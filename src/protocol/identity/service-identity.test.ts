import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { fromHex, importKey } from '#protocol/crypto'
import { type Did, ProtocolError } from '#protocol/syntax'
import type { Fetch } from './bounded-fetch.ts'
import { networkDirectory } from './directory.ts'
import { identityOf } from './document.ts'
import { fakeWeb, seeded } from './fake-web.test-support.ts'
import { keptServiceIdentity } from './kept-identity.ts'
import { type PlcClient, plcClient } from './plc-client.ts'
import { plcData, plcDocument } from './plc-document.ts'
import { applyPlcOperation, type PlcLogEntry } from './plc-log.ts'
import { type AnyPlcOperation, plcOperationCid, signPlcOperation } from './plc-operation.ts'
import { validatePlcOperation } from './plc-rules.ts'
import { ensureServiceIdentity, type ServiceIdentityOptions } from './service-identity.ts'

const plcUrl = 'http://localhost:2582'

/** The directory's rules behind a fetch, without the service: this room knows no service. */
class TinyPlc {
  readonly logs = new Map<string, PlcLogEntry[]>()
  submitted = 0
  #nowMs = 0

  fetch: Fetch = async (url, init) => {
    const [did, ...rest] = new URL(url).pathname.slice(1).split('/') as [Did, ...string[]]
    if (init?.method === 'POST') return this.#accept(did, JSON.parse(String(init.body)))
    const log = this.logs.get(did)
    const last = log?.at(-1)
    if (log === undefined || last === undefined) return answer(404, { message: 'not registered' })
    const data = plcData(did, last.operation)
    const page = rest.join('/')
    if (page === 'log/last') return answer(200, last.operation)
    if (page === 'log/audit') return answer(200, log)
    if (data === undefined) return answer(410, { message: 'gone' })
    return answer(200, page === 'data' ? data : plcDocument(data))
  }

  #accept(did: Did, value: unknown): Response {
    this.submitted++
    try {
      const operation = validatePlcOperation(value)
      const log = this.logs.get(did) ?? []
      const { cid } = applyPlcOperation(did, log, operation, ++this.#nowMs)
      const createdAt = new Date(this.#nowMs).toISOString()
      this.logs.set(did, [...log, { did, operation, cid, nullified: false, createdAt }])
      return new Response('OK')
    } catch (error) {
      return answer(400, { message: (error as Error).message })
    }
  }
}

function answer(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status })
}

let plc: TinyPlc
let options: ServiceIdentityOptions
beforeEach(() => {
  plc = new TinyPlc()
  options = {
    plcUrl,
    fetch: plc.fetch,
    endpoint: 'http://localhost:2584',
    serviceId: '#bsky_appview',
    serviceType: 'BskyAppView',
    random: seeded(41),
  }
})

async function identityAt(did: Did) {
  const directory = networkDirectory({ plcUrl, fetch: plc.fetch, resolveTxt: async () => [] })
  const document = await directory.document(did)
  return document && identityOf(document)
}

describe('a service’s identity', () => {
  test('is made the first time: key, service and endpoint are in its document', async () => {
    const made = await ensureServiceIdentity(options)
    const identity = await identityAt(made.did)
    const key = importKey('k256', fromHex(made.signingKeyHex))
    assert.equal(identity?.signingKey, key.publicKey.didKey)
    assert.equal(identity?.service('bsky_appview', 'BskyAppView'), 'http://localhost:2584')
    assert.equal(identity?.handle, undefined)
    assert.notEqual(made.signingKeyHex, made.rotationKeyHex)
  })

  test('is left alone when nothing changed', async () => {
    const stored = await ensureServiceIdentity(options)
    assert.deepEqual(await ensureServiceIdentity({ ...options, stored }), stored)
    assert.equal(plc.submitted, 1)
  })

  test('follows the service to another endpoint, and takes a handle', async () => {
    const stored = await ensureServiceIdentity(options)
    const endpoint = 'https://appview.example'
    const moved = { ...options, stored, endpoint, handle: 'appview.test' }
    assert.deepEqual(await ensureServiceIdentity(moved), stored)
    const identity = await identityAt(stored.did)
    assert.equal(identity?.service('bsky_appview'), endpoint)
    assert.equal(identity?.handle, 'appview.test')
    await ensureServiceIdentity(moved)
    assert.equal(plc.submitted, 2)
  })

  test('keeps what an operator added to it', async () => {
    const stored = await ensureServiceIdentity(options)
    const client = plcClient(options)
    const last = await client.last(stored.did)
    assert.ok(last?.type === 'plc_operation')
    const rotation = importKey('k256', fromHex(stored.rotationKeyHex))
    const backup = importKey('p256', new Uint8Array(32).fill(9)).publicKey.didKey
    const added = signPlcOperation(
      {
        ...last,
        rotationKeys: [backup, ...last.rotationKeys],
        services: { ...last.services, other: { type: 'O', endpoint: 'https://o.example' } },
        prev: plcOperationCid(last),
      },
      rotation,
    )
    await client.submit(stored.did, added)
    await ensureServiceIdentity({ ...options, stored, endpoint: 'https://new.example' })
    const data = await client.data(stored.did)
    assert.deepEqual(data?.rotationKeys, added.rotationKeys)
    assert.equal(data?.services.other?.endpoint, 'https://o.example')
    assert.equal(data?.services.bsky_appview?.endpoint, 'https://new.example')
  })

  test('of a labeler has the key for labels too', async () => {
    const labeler = { serviceId: 'atproto_labeler', serviceType: 'AtprotoLabeler' }
    const made = await ensureServiceIdentity({ ...options, ...labeler, keyIds: ['atproto_label'] })
    const identity = await identityAt(made.did)
    assert.ok(identity?.labelerKey)
    assert.equal(identity.labelerKey, identity.signingKey)
  })

  test('is not made anew when the directory has lost it: that is said', async () => {
    const stored = await ensureServiceIdentity(options)
    plc.logs.clear()
    await assert.rejects(ensureServiceIdentity({ ...options, stored }), /does not know/)
    assert.equal(plc.submitted, 1)
  })

  test('whose operation is refused says why', async () => {
    await assert.rejects(ensureServiceIdentity({ ...options, endpoint: 'x'.repeat(600) }), {
      code: 'PlcRefused',
      message: /endpoint of service bsky_appview is longer than 512/,
    })
  })
})

describe('a client of the directory', () => {
  const did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
  const operation = { type: 'plc_tombstone', prev: 'x', sig: '' } as const

  function clientOf(path: string, status: number, body: string | object): PlcClient {
    const web = fakeWeb({ [`${plcUrl}/${did}${path}`]: { status, body } })
    return plcClient({ plcUrl, fetch: web.fetch })
  }

  test('reads state, last operation and the verified log', async () => {
    const { did } = await ensureServiceIdentity(options)
    const client = plcClient(options)
    const log = await client.log(did)
    assert.deepEqual(log?.operation, await client.last(did))
    assert.deepEqual(log?.data, await client.data(did))
    assert.equal(log?.valid.length, 1)
  })

  test('says undefined for a DID that the directory does not know', async () => {
    const client = plcClient(options)
    assert.equal(await client.data(did), undefined)
    assert.equal(await client.last(did), undefined)
    assert.equal(await client.log(did), undefined)
  })

  test('believes nothing that cannot be true', async () => {
    const lies: [keyof PlcClient, string, string | object][] = [
      ['data', '/data', { did: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' }],
      ['data', '/data', { did, rotationKeys: 5 }],
      ['data', '/data', 'null'],
      ['last', '/log/last', {}],
      ['last', '/log/last', '<html>'],
      ['log', '/log/audit', {}],
      ['log', '/log/audit', [{ did }]],
    ]
    for (const [method, path, body] of lies) {
      const client = clientOf(path, 200, body)
      await assert.rejects((client[method] as (did: Did) => Promise<unknown>)(did), {
        name: 'UpstreamError',
        host: 'localhost:2582',
      })
    }
  })

  test('tells a refusal, which is final, from an outcome nobody knows', async () => {
    for (const [status, body, expected] of [
      [400, { message: 'Invalid Signature' }, { code: 'PlcRefused', message: /Invalid Signature/ }],
      [409, 'conflict', { code: 'PlcRefused', message: /409 "conflict"/ }],
      [429, {}, { code: 'PlcRefused' }],
      [500, {}, { name: 'UpstreamError' }],
      [502, 'bad gateway', { name: 'UpstreamError' }],
    ] as const) {
      const web: Fetch = async () => answer(status, body)
      await assert.rejects(plcClient({ plcUrl, fetch: web }).submit(did, operation), expected)
    }
    const unreachable = plcClient({ plcUrl, fetch: fakeWeb().fetch })
    await assert.rejects(unreachable.submit(did, operation), { name: 'UpstreamError' })
  })

  test('sends the operation as JSON to the DID', async () => {
    const web = fakeWeb({ [`${plcUrl}/${did}`]: { body: 'OK' } })
    await plcClient({ plcUrl, fetch: web.fetch }).submit(did, operation)
    assert.deepEqual(web.asked, [`POST ${plcUrl}/${did}`])
    assert.deepEqual(JSON.parse(String(web.inits[0]?.body)) as AnyPlcOperation, operation)
  })

  test('repeats no more than a line of what the directory says', async () => {
    const web: Fetch = async () => answer(400, { message: 'x'.repeat(10_000) })
    await assert.rejects(plcClient({ plcUrl, fetch: web }).submit(did, operation), (error) => {
      assert.ok(error instanceof ProtocolError)
      return error.message.length < 500
    })
  })
})

describe('an identity that is kept', () => {
  let kept: Uint8Array | undefined
  const keeping = () => ({
    ...options,
    read: async () => kept,
    write: async (bytes: Uint8Array) => {
      kept = bytes
    },
  })

  test('is made once, and is the same on every later start', async () => {
    kept = undefined
    const first = await keptServiceIdentity(keeping())
    const second = await keptServiceIdentity(keeping())
    assert.equal(second.did, first.did)
    assert.equal(second.signingKeyHex, first.signingKeyHex)
    assert.equal(plc.submitted, 1)
  })

  test('starts while the directory is away, and says later where it is now', async () => {
    kept = undefined
    const { did } = await keptServiceIdentity(keeping())
    const endpoint = 'https://elsewhere.example'
    const unreachable: Fetch = () => Promise.reject(new Error('away'))
    const away = await keptServiceIdentity({ ...keeping(), endpoint, fetch: unreachable })
    assert.equal(away.did, did)
    await assert.rejects(away.refresh(), { code: 'UpstreamFailure' })
    const back = await keptServiceIdentity({ ...keeping(), endpoint })
    await back.refresh()
    const last = plc.logs.get(did)!.at(-1)!.operation
    assert.ok(JSON.stringify(last).includes(endpoint))
  })
})
