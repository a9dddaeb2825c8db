/** An account comes back at another host by its owner's key: what the old host says does not matter. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { testOutside } from '#platform/runtime'
import {
  planRecovery,
  type Recovery,
  type RecoveryDeps,
  recover,
  verifyReceipt,
} from '#protocol/account'
import { parseDidKey } from '#protocol/crypto'
import {
  handoverKey,
  type PlcOperation,
  plcClient,
  plcState,
  recoveryKey,
} from '#protocol/identity'
import type { Handle } from '#protocol/syntax'
import { Browser, plainText } from '../pages/browser.test-support.ts'
import { FakePlc, plcOrigin } from '../testing/fake-plc.test-support.ts'
import { type Person, TestHost } from '../testing/host.test-support.ts'

const secret = new Uint8Array(16).fill(5)
const { didKey } = recoveryKey(secret).publicKey
const PASSWORD = 'a password at the new host'
const COPY = { kind: 'vault', source: 'https://vault.test', time: '2026-01-01T00:00:00Z' } as const

describe('recovering an account', () => {
  const plc = new FakePlc()
  let old: TestHost
  let next: TestHost
  const txt: Record<string, string[]> = {}
  /** Calls of the owner that are lost on the way: by origin and method. */
  let lost: string | undefined

  before(async () => {
    const outside = testOutside({ seed: 8 })
    outside.resolveTxt = async (name) => txt[name] ?? []
    old = await TestHost.open({ plc })
    next = await TestHost.open({
      plc,
      outside,
      publicUrl: 'https://next.test',
      config: { handleDomains: ['.next.test'] },
    })
  })
  after(async () => {
    await old.close()
    await next.close()
  })

  /** The owner's way to the new host and the directory; the old host cannot be reached at all. */
  const deps = (): RecoveryDeps => {
    const fetch = async (target: string, init: RequestInit = {}): Promise<Response> => {
      const url = new URL(target)
      if (lost !== undefined && target.includes(lost)) throw new TypeError('lost on the way')
      if (url.origin === plcOrigin) return plc.fetch(url, init)
      assert.equal(url.origin, next.url, 'nobody else is asked')
      return throughHost(next, url, init)
    }
    const client = plcClient({ plcUrl: plcOrigin, fetch })
    const random = (count: number) => crypto.getRandomValues(new Uint8Array(count))
    return { fetch, plc: client, now: next.outside.now, random }
  }

  const wanted = (person: Person, handle: string, more: Partial<Recovery> = {}): Recovery => ({
    did: person.did,
    secret,
    destination: next.url,
    handle: handle as Handle,
    password: PASSWORD,
    ...more,
  })

  async function finish(recovery: Recovery) {
    const steps = recover(recovery, deps())
    for (;;) {
      const step = await steps.next()
      if (step.done) return step.value
    }
  }
  const stateOf = ({ did }: Person) =>
    plcState(plc.log(did).findLast((entry) => !entry.nullified)!.operation)!
  const carOf = async ({ did }: Person) =>
    (await old.get('com.atproto.sync.getRepo', { did })).bytes

  test('a name of one’s own domain is kept, and records come back with it', async () => {
    const alice = await old.signUp('alice', { recoveryKey: didKey })
    await old.write(alice, 'before the flood')
    const car = await carOf(alice)
    txt['_atproto.alice.example.com'] = [`did=${alice.did}`]
    const receipt = await finish(
      wanted(alice, 'alice.example.com', { repo: () => car, copy: COPY }),
    )
    assert.deepEqual([receipt.records, receipt.missingBlobs], [1, []])
    const { signed } = receipt
    const named = parseDidKey(stateOf(alice).verificationMethods.atproto!)
    assert.equal(verifyReceipt(signed!, named), true, 'by the key that the identity names now')
    const prettier = { ...signed!, unproven: [] }
    assert.equal(verifyReceipt(prettier, named), false)
    assert.deepEqual(
      [signed!.records, signed!.unproven, signed!.copy],
      [1, ['later-writes', 'copy-as-told', 'private-state'], COPY],
    )
    const state = stateOf(alice)
    assert.equal(state.services.atproto_pds!.endpoint, next.url)
    assert.deepEqual(state.alsoKnownAs, ['at://alice.example.com'])
    assert.equal(state.rotationKeys[0], didKey)
    assert.equal(state.rotationKeys.length, 2)
    assert.notEqual(state.verificationMethods.atproto, handoverKey(secret).publicKey.didKey)
    const session = { identifier: alice.did, password: PASSWORD }
    const { body } = await next.post('com.atproto.server.createSession', session)
    assert.deepEqual(await next.listTexts({ ...alice, ...body }), ['before the flood'])
    const browser = new Browser(next, { 'accept-language': 'en' })
    const there = { ...alice, handle: 'alice.example.com' as Handle, password: PASSWORD }
    await browser.signIn(there, '/account/sign-in?return=/account')
    assert.match(plainText(browser.seen!.text), /came back from a copy/)
    await browser.open('/account/rescue')
    assert.match(plainText(browser.seen!.text), /from a vault · https:\/\/vault.test/)
    assert.match(plainText(browser.seen!.text), /That you wrote nothing after this copy/)
    await browser.open('/account/rescue/receipt.json')
    assert.equal(JSON.parse(browser.seen!.text).sig, signed!.sig)
    const written = await next.write({ ...alice, ...body }, 'after it')
    assert.equal(written.status, 200)
  })

  test('the key of an organisation alone rescues people of its host who have none of their own', async () => {
    const ofSchool = new Uint8Array(16).fill(77)
    const school = recoveryKey(ofSchool).publicKey.didKey
    const theirs = await TestHost.open({
      plc,
      publicUrl: 'https://school.test',
      seed: 9,
      config: { recoveryDidKey: school, handleDomains: ['.school.test'] },
    })
    const pupil = await theirs.signUp('pupil')
    await theirs.write(pupil, 'at school')
    const car = (await theirs.get('com.atproto.sync.getRepo', { did: pupil.did })).bytes
    const [first, host] = stateOf(pupil).rotationKeys
    assert.equal(first, school, 'it stands above the host’s')
    await theirs.close()
    const rescue = { secret: ofSchool, keep: [school], repo: () => car }
    const receipt = await finish(wanted(pupil, 'pupil.next.test', rescue))
    assert.deepEqual([receipt.records, receipt.missingBlobs], [1, []])
    const { rotationKeys, services } = stateOf(pupil)
    assert.equal(services.atproto_pds!.endpoint, next.url)
    assert.deepEqual([rotationKeys[0], rotationKeys.includes(host!)], [school, false])
    const session = { identifier: pupil.did, password: PASSWORD }
    const { body } = await next.post('com.atproto.server.createSession', session)
    assert.deepEqual(await next.listTexts({ ...pupil, ...body }), ['at school'])
  })

  test('what a host did that threw the key out is taken back', async () => {
    const bob = await old.signUp('bob', { recoveryKey: didKey })
    await old.post('com.atproto.identity.requestPlcOperationSignature', undefined, bob.accessJwt)
    const token = await old.mailedCode(bob)
    const rotationKeys = stateOf(bob).rotationKeys.slice(1)
    const input = { token, rotationKeys, alsoKnownAs: ['at://stolen.test'] }
    const nsid = 'com.atproto.identity.signPlcOperation'
    const signed = await old.post(nsid, input, bob.accessJwt)
    plc.submit(bob.did, signed.body.operation as PlcOperation)
    const plan = await planRecovery(wanted(bob, 'bob.next.test'), deps())
    assert.equal(plan.undone.length, 1)
    assert.equal(plan.handle, 'bob.test', 'what it was before')
    await finish(wanted(bob, 'bob.next.test'))
    assert.deepEqual(stateOf(bob).alsoKnownAs, ['at://bob.next.test'])
    assert.equal(plc.log(bob.did).filter(({ nullified }) => nullified).length, 1)
  })

  test('another’s key touches nothing at all', async () => {
    const carol = await old.signUp('carol')
    const asked = plc.log(carol.did).length
    await assert.rejects(finish(wanted(carol, 'carol.next.test')), { code: 'UnknownKey' })
    assert.equal(plc.log(carol.did).length, asked)
    const { body } = await next.get('com.atproto.sync.getRepoStatus', { did: carol.did })
    assert.equal(body.error, 'RepoNotFound')
  })

  test('lost on the way anywhere, it goes on from there, and no operation is made twice', async () => {
    const dana = await old.signUp('dana', { recoveryKey: didKey })
    const car = await carOf(dana)
    const recovery = wanted(dana, 'dana.next.test', { repo: () => car })
    const ways = ['createAccount', 'importRepo', 'checkAccountStatus', 'activateAccount']
    for (const way of ways) {
      lost = way
      await assert.rejects(finish(recovery), way)
    }
    lost = undefined
    const receipt = await finish(recovery)
    assert.equal(receipt.handle, 'dana.next.test')
    assert.equal(plc.log(dana.did).length, 3, 'made, taken, turned')
    assert.equal((await finish(recovery)).operation, receipt.operation)
    assert.equal(plc.log(dana.did).length, 3)
  })

  test('a directory whose answer is lost is asked what it has', async () => {
    const emil = await old.signUp('emil', { recoveryKey: didKey })
    plc.mood = 'deaf'
    const done = await finish(wanted(emil, 'emil.next.test')).finally(() => {
      plc.mood = 'well'
    })
    assert.equal(done.records, 0)
    assert.equal(plc.log(emil.did).length, 3)
  })

  test('a name that the new host does not give is refused, and another one may be tried', async () => {
    const faris = await old.signUp('faris', { recoveryKey: didKey })
    txt['_atproto.faris.example.com'] = ['did=did:plc:aaaaaaaaaaaaaaaaaaaaaaaa']
    await assert.rejects(finish(wanted(faris, 'faris.example.com')), { error: 'InvalidHandle' })
    assert.equal((await finish(wanted(faris, 'faris.next.test'))).handle, 'faris.next.test')
  })
})

async function throughHost(host: TestHost, url: URL, init: RequestInit): Promise<Response> {
  const headers = Object.fromEntries(new Headers(init.headers))
  const { body } = init
  const sent = typeof body === 'string' ? new TextEncoder().encode(body) : body
  const answer = await host.service.handle({
    method: (init.method ?? 'GET') as 'GET' | 'POST',
    path: url.pathname,
    query: url.search.slice(1),
    headers,
    body: sent as Uint8Array | undefined,
    ip: '127.0.0.1',
    id: 'test',
    signal: new AbortController().signal,
  })
  const given = answer.body
  const bytes = given === undefined || typeof given === 'string' ? given : await bytesOf(given)
  return new Response((bytes ?? null) as BodyInit | null, {
    status: answer.status,
    headers: answer.headers ?? {},
  })
}

async function bytesOf(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}
