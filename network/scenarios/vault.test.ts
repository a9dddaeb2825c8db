import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import type { VaultAccount } from '#protocol/account'
import { parseDidKey } from '#protocol/crypto'
import { cidText } from '#protocol/data'
import { plcClient } from '#protocol/identity'
import { verifyRepoCar } from '#protocol/repo'
import type { Did } from '#protocol/syntax'
import { eventually, type Network, ServerProcess, startNetwork, temporaryFolder } from '../rig.ts'

const OPERATOR = { authorization: `Basic ${btoa('admin:admin-pass')}` }

/** A host of ours in this process; the vault is a process of its own, and knows only public methods. */
describe('a vault that follows a host', () => {
  const folder = temporaryFolder()
  const data = join(folder.path, 'live')
  const home = join(data, 'vault')
  let network: Network
  let vault: ServerProcess
  let alice: AtpAgent
  let did: Did
  /** What the repository was, by when. */
  const states: { at: string; car: Uint8Array }[] = []

  before(async () => {
    network = await startNetwork('--services', 'plc,pds')
    alice = await signUp('alice')
    did = alice.assertDid as Did
    await alice.post({ text: 'before there was a vault' })
    vault = new ServerProcess('vault', '--dev', '--data', data, '--plc', network.plc.url)
    await vault.with('--follow-host', network.pds[0]!.url).start()
  })
  after(async () => {
    await vault.kill()
    await network.stop()
    folder.remove()
  })

  async function signUp(name: string): Promise<AtpAgent> {
    const agent = new AtpAgent({ service: network.pds[0]!.url })
    const email = `${name}@example.com`
    await agent.createAccount({ handle: `${name}.test`, email, password: `password of ${name}` })
    return agent
  }

  async function call(method: string, params: Record<string, string>, headers = OPERATOR) {
    const url = `${vault.url}/xrpc/app.falaj.vault.${method}?${new URLSearchParams(params)}`
    return fetch(url, { headers })
  }

  async function kept(who: AtpAgent): Promise<VaultAccount> {
    const answer = await call('getAccount', { did: who.assertDid })
    assert.equal(answer.status, 200, await answer.clone().text())
    return (await answer.json()) as VaultAccount
  }

  /** Waits until the vault has all that the host has acknowledged. */
  async function caughtUp(who: AtpAgent): Promise<VaultAccount> {
    const { data } = await who.com.atproto.sync.getLatestCommit({ did: who.assertDid })
    return eventually('the vault is in step', async () => {
      const account = await kept(who)
      const isAll = account.state === 'kept' && account.rev === data.rev
      return isAll && account.blobsWanted === 0 && account
    })
  }

  /** Notes what the repository is now, and lets the clock go on. */
  async function note(): Promise<void> {
    const { data: car } = await alice.com.atproto.sync.getRepo({ did })
    await new Promise((done) => setTimeout(done, 5))
    states.push({ at: new Date().toISOString(), car })
    await new Promise((done) => setTimeout(done, 5))
  }

  const repo = (car: Uint8Array) => {
    const { head, records } = verifyRepoCar(car, { did })
    return {
      commit: cidText(head.commit),
      rev: head.rev,
      records: records.map(({ path, cid }) => `${path} ${cidText(cid)}`),
    }
  }

  test('an account that was there before is copied, with its files, and followed from then on', async () => {
    await caughtUp(alice)
    const { data } = await alice.uploadBlob(
      new Uint8Array(1_900_000).map((_, i) => i * 7),
      {
        encoding: 'image/png',
      },
    )
    const embed = { $type: 'app.bsky.embed.images', images: [{ image: data.blob, alt: 'a door' }] }
    await alice.post({ text: 'a picture of my door', embed })
    const account = await caughtUp(alice)
    assert.equal(account.blobs, 1)
    assert.equal(account.instants, 2)
    const answer = await call('getBlob', { did, cid: data.blob.ref.toString() })
    const blob = new Uint8Array(await answer.arrayBuffer())
    assert.deepEqual(
      blob,
      new Uint8Array(1_900_000).map((_, i) => i * 7),
    )
    await note()
  })

  test('killed while people write, it goes on where it was', async () => {
    const posts = [...Array(20).keys()]
    for (const i of posts.slice(0, 10)) await alice.post({ text: `day ${i}` })
    await vault.kill()
    const { uri } = await alice.post({ text: 'a word I regret' })
    await note()
    await alice.deletePost(uri)
    for (const i of posts.slice(10)) await alice.post({ text: `day ${i}` })
    const bob = await signUp('bob')
    await bob.post({ text: 'I came while the vault was away' })
    await vault.start()
    await alice.post({ text: 'after all that' })
    await note()
    const { instants } = await caughtUp(alice)
    // The host remembers what the vault missed: every state of that time is kept too.
    assert.equal(instants, 2 + 20 + 2 + 1)
    await caughtUp(bob)
  })

  test('what it gives back at each instant is what the host had then, signed by the account', async () => {
    const key = (await plcClient({ plcUrl: network.plc.url, fetch }).data(did))!.verificationMethods
      .atproto!
    for (const { at, car } of states) {
      const answer = await call('getRepo', { did, at })
      assert.equal(answer.status, 200)
      const given = new Uint8Array(await answer.arrayBuffer())
      verifyRepoCar(given, { did, keys: [parseDidKey(key)] })
      assert.deepEqual(repo(given), repo(car))
    }
    const old = await call('getRepo', { did, at: '2020-01-01T00:00:00.000Z' })
    assert.equal(((await old.json()) as { error: string }).error, 'InstantNotKept')
  })

  test('only the owner and the operator may see an account', async () => {
    const wrong = await call('getRepo', { did }, { authorization: `Basic ${btoa('admin:guess')}` })
    assert.equal(wrong.status, 401)
    const bob = new AtpAgent({ service: network.pds[0]!.url })
    await bob.login({ identifier: 'bob.test', password: 'password of bob' })
    const tokenOf = async (who: AtpAgent) => {
      const { data } = await who.com.atproto.server.getServiceAuth({
        aud: vault.place.did!,
        lxm: 'app.falaj.vault.getRepo',
      })
      return { authorization: `Bearer ${data.token}` }
    }
    assert.equal((await call('getRepo', { did }, await tokenOf(bob))).status, 403)
    assert.equal((await call('getRepo', { did }, await tokenOf(alice))).status, 200)
  })

  test('nothing on its disk says what it keeps; a changed byte is noticed', async () => {
    await vault.stop()
    for (const bytes of filesOf(home)) assert.ok(!bytes.includes('a word I regret'))
    const copy = join(folder.path, 'damaged')
    cpSync(data, copy, { recursive: true })
    const db = new DatabaseSync(join(copy, 'vault/vault.sqlite'))
    const pack = db.prepare('select pid, bytes from pack where bytes is not null limit 1').get()!
    const bytes = Uint8Array.from(pack.bytes as Uint8Array)
    bytes[bytes.length >> 1]! ^= 1
    db.prepare('update pack set bytes = ? where pid = ?').run(bytes, pack.pid!)
    db.close()
    const damaged = new ServerProcess('vault', '--dev', '--data', copy, '--plc', network.plc.url)
    await damaged.with('--follow-host', network.pds[0]!.url).start()
    try {
      const url = `${damaged.url}/xrpc/app.falaj.vault.getRepo?did=${did}`
      const answer = await fetch(url, { headers: OPERATOR })
      await assert.rejects(async () => {
        if (answer.status !== 200) throw new Error(await answer.text())
        verifyRepoCar(new Uint8Array(await answer.arrayBuffer()), { did })
      })
    } finally {
      await damaged.kill()
    }
    await vault.start()
  })

  test('erased, what was kept cannot be read any more, and its key is nowhere', async () => {
    await caughtUp(alice)
    await vault.stop()
    const before = new DatabaseSync(join(home, 'vault.sqlite'))
    const row = before.prepare('select key from account where did = ?').get(did)!
    before.close()
    const wrapped = Buffer.from(row.key as Uint8Array)
    assert.ok(filesOf(home).some((bytes) => bytes.includes(wrapped)))
    await vault.start()
    const { data: auth } = await alice.com.atproto.server.getServiceAuth({
      aud: vault.place.did!,
      lxm: 'app.falaj.vault.unfollow',
    })
    const answer = await fetch(`${vault.url}/xrpc/app.falaj.vault.unfollow`, {
      method: 'POST',
      headers: { authorization: `Bearer ${auth.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ did, erase: true }),
    })
    assert.equal(answer.status, 200, await answer.clone().text())
    const gone = (await (await call('getRepo', { did })).json()) as { error: string }
    assert.equal(gone.error, 'NotKept')
    await alice.post({ text: 'the vault does not want to know' })
    await eventually('all files of it are gone', async () => {
      const names = readdirSync(join(home, 'store'), { recursive: true, withFileTypes: true })
      return !names.some((entry) => entry.isFile() && entry.parentPath.includes('/1/'))
    })
    await vault.kill()
    for (const bytes of filesOf(home)) assert.ok(!bytes.includes(wrapped))
    await vault.start()
    assert.equal(
      ((await (await call('getRepo', { did })).json()) as { error: string }).error,
      'NotKept',
    )
  })
})

function filesOf(path: string): Buffer[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
}
