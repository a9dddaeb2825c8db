/** The reference PDS, run for real, as the old host and as the new one. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { parseDidKey } from '#protocol/crypto'
import { verifyCommitSignature, verifyRepoCar } from '#protocol/repo'
import { ServerProcess, temporaryFolder } from '../rig.ts'
import {
  freePort,
  type ReferencePds,
  referenceFolder,
  startReferencePds,
} from './reference-pds.test-support.ts'
import { PREFERENCES } from './reference-people.test-support.ts'

const falaj = join(import.meta.dirname, '../../bin/falaj')
const NOTE = 'com.example.note'
const PICTURE = 'com.example.picture'
const AT = '2026-01-01T00:00:00.000Z'

interface Person {
  did: string
  handle: string
  email: string
  password: string
  accessJwt: string
  refreshJwt: string
}

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
type Body = any

const skip = referenceFolder ? false : 'FALAJ_REFERENCE names no installation of the reference'

describe('moves from and to the reference PDS', { skip }, () => {
  const folder = temporaryFolder()
  const plc = new ServerProcess('plc', '--dev', '--data', join(folder.path, 'plc'))
  const ours = new ServerProcess('pds', '--dev', '--data', join(folder.path, 'ours'))
  let theirs: ReferencePds

  before(async () => {
    await plc.start()
    const port = await freePort()
    const hosts = `${await ours.reserve()},http://localhost:${port}`
    await ours.with('--plc', plc.url, '--pds-hosts', hosts, '--handle-domains', '.test').start()
    theirs = await startReferencePds(referenceFolder!, {
      ...{ folder: mkdtempSync(join(folder.path, 'theirs-')), port, plcUrl: plc.url },
      ...{ hostname: 'localhost', handleDomain: '.test' },
    })
  })
  after(async () => {
    await theirs?.stop()
    for (const one of [ours, plc]) await one.stop()
    folder.remove()
  })

  async function call(
    url: string,
    nsid: string,
    { token, input, params }: { token?: string; input?: unknown; params?: object } = {},
  ): Promise<Body> {
    const query = new URLSearchParams(params as Record<string, string>)
    const bytes = input instanceof Uint8Array ? Uint8Array.from(input) : undefined
    const answer = await fetch(`${url}/xrpc/${nsid}?${query}`, {
      method: input === undefined ? 'GET' : 'POST',
      headers: {
        ...(input !== undefined && { 'content-type': bytes ? 'image/png' : 'application/json' }),
        ...(token && { authorization: `Bearer ${token}` }),
      },
      ...(input !== undefined && { body: bytes ?? JSON.stringify(input) }),
    })
    if (answer.headers.get('content-type')?.includes('ipld.car')) {
      return new Uint8Array(await answer.arrayBuffer())
    }
    const said = await answer.text()
    if (!answer.ok) throw new Error(`${nsid} at ${url}: ${answer.status} ${said}`)
    return said === '' ? undefined : JSON.parse(said)
  }

  /** With notes, pictures and preferences. */
  async function person(url: string, handle: string): Promise<Person> {
    const [email, password] = [`${handle}@mail.example`, `password of ${handle}`]
    const signUp = { handle, email, password }
    const made = await call(url, 'com.atproto.server.createAccount', { input: signUp })
    const who: Person = { ...made, email, password }
    const { did: repo, accessJwt: token } = who
    const writes = Array.from({ length: 150 }, (_, i) => ({
      ...{ $type: 'com.atproto.repo.applyWrites#create', collection: NOTE, rkey: `n${i}` },
      value: { $type: NOTE, text: `note ${i} of ${handle}` },
    }))
    await call(url, 'com.atproto.repo.applyWrites', { token, input: { repo, writes } })
    for (let i = 0; i < 5; i++) {
      const picture = new Uint8Array(50_000).fill(i + 1)
      picture.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
      const { blob } = await call(url, 'com.atproto.repo.uploadBlob', { token, input: picture })
      const record = { $type: PICTURE, blob, createdAt: AT }
      const input = { repo, collection: PICTURE, record }
      await call(url, 'com.atproto.repo.createRecord', { token, input })
    }
    const preferences = { preferences: PREFERENCES }
    await call(url, 'app.bsky.actor.putPreferences', { token, input: preferences })
    return who
  }

  const repoAt = async (url: string, did: string) =>
    verifyRepoCar(await call(url, 'com.atproto.sync.getRepo', { params: { did } }))

  /** Everything is there, the account is used, the network finds it, and the old host lets go. */
  async function assertMoved(who: Person, from: string, to: string, token: string, notes: number) {
    const { did, handle } = who
    const repo = await repoAt(to, did)
    const notesThere = repo.records.filter(({ path }) => path.startsWith(NOTE))
    assert.equal(notesThere.length, notes)
    const { cids } = await call(to, 'com.atproto.sync.listBlobs', { params: { did } })
    assert.equal(cids.length, 5)
    for (const cid of cids) {
      const answer = await fetch(`${to}/xrpc/com.atproto.sync.getBlob?did=${did}&cid=${cid}`)
      assert.equal((await answer.arrayBuffer()).byteLength, 50_000)
    }
    const { preferences } = await call(to, 'app.bsky.actor.getPreferences', { token })
    const kept = preferences.filter((one: Body) => !one.$type.endsWith('#declaredAgePref'))
    assert.deepEqual(kept, PREFERENCES)
    const status = (url: string) => call(url, 'com.atproto.sync.getRepoStatus', { params: { did } })
    assert.equal((await status(to)).active, true)
    assert.equal((await status(from)).status, 'deactivated')
    const document = await (await fetch(`${plc.url}/${did}`)).json()
    assert.deepEqual(
      [document.alsoKnownAs, document.service[0].serviceEndpoint],
      [[`at://${handle}`], to],
    )
    const record = { $type: NOTE, text: 'after the move' }
    const input = { repo: did, collection: NOTE, record }
    await call(to, 'com.atproto.repo.createRecord', { token, input })
    const log = await (await fetch(`${plc.url}/${did}/log/last`)).json()
    const commit = await repoAt(to, did)
    const key = parseDidKey(log.verificationMethods.atproto)
    assert.ok(verifyCommitSignature(commit.commit, key), 'the key of the identity signs')
  }

  const signIn = (url: string, { did, password }: Person) =>
    call(url, 'com.atproto.server.createSession', { input: { identifier: did, password } })

  test('an account moves from the reference to ours by the job of the new host', async () => {
    const alice = await person(theirs.url, 'alice.test')
    const { accessJwt, refreshJwt, password } = alice
    await theirs.post('com.atproto.identity.requestPlcOperationSignature', undefined, accessJwt)
    const code = theirs.mailedCode(alice.did, 'plc_operation')
    const input = { source: theirs.url, session: { accessJwt, refreshJwt }, password, code }
    const begun = await call(ours.url, 'app.falaj.move.start', { input })
    const move = await untilDone(begun.accessJwt)
    assert.equal(move.state, 'done', JSON.stringify(move))
    assert.deepEqual([move.receipt.records, move.receipt.blobs], [155, 5])
    assert.deepEqual(move.receipt.missingBlobs, [])
    const { accessJwt: token } = await signIn(ours.url, alice)
    await assertMoved(alice, theirs.url, ours.url, token, 150)
  })

  async function untilDone(token: string): Promise<Body> {
    const deadlineMs = Date.now() + 120_000
    for (let after = ''; ; ) {
      const params = after === '' ? {} : { after }
      const { move } = await call(ours.url, 'app.falaj.move.get', { token, params })
      if (move.state !== 'running' || Date.now() > deadlineMs) return move
      after = String(move.version)
    }
  }

  test('an account moves from ours to the reference by the command line', async () => {
    const bob = await person(ours.url, 'bob.test')
    const file = join(folder.path, 'password')
    writeFileSync(file, bob.password)
    const state = join(folder.path, 'state.json')
    const who = ['--handle', bob.handle, '--email', bob.email, '--password-file', file]
    const hosts = ['--from', ours.url, '--to', theirs.url, '--plc', plc.url]
    const child = spawn(falaj, ['move', ...hosts, ...who, '--state', state, '--json'])
    const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
    assert.ok(out, errors)
    const receipt = JSON.parse(out)
    assert.deepEqual([receipt.records, receipt.blobs, receipt.sameRoot], [155, 5, true])
    assert.deepEqual(receipt.missingBlobs, [])
    const { accessJwt: token } = await signIn(theirs.url, bob)
    await assertMoved(bob, ours.url, theirs.url, token, 150)
  })
})
