import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import {
  checkRecoveryKey,
  confirmPassword,
  getKeyHealth,
  registerRecoveryKey,
  signIn,
} from '#protocol/account'
import { generateKey } from '#protocol/crypto'
import { plcClient, proveKey, recoveryKey, recoverySheet } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { eventually, runFalaj, ServerProcess, temporaryFolder } from '../rig.ts'

const falaj = join(import.meta.dirname, '../../bin/falaj')
const PASSWORD = 'alice-password'
const PREFERENCES = [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: false }]
const NEW_PASSWORD = 'alice at her new host'

/** Every service is a process of its own; alice's host is destroyed, and she has sixteen words. */
describe('an account whose host is destroyed', () => {
  const folder = temporaryFolder()
  const nodes: Record<string, ServerProcess> = {}
  const wordsFile = join(folder.path, 'words')
  const passwordFile = join(folder.path, 'password')
  const archive = join(folder.path, 'alice.zip')
  const secret = crypto.getRandomValues(new Uint8Array(16))
  const key = recoveryKey(secret)
  let bob: AtpAgent
  let did: Did
  let hostKey: string

  const node = (name: string, command: string, ...flags: string[]) => {
    nodes[name] = new ServerProcess(command, '--dev', '--data', join(folder.path, name), ...flags)
    return nodes[name].start()
  }
  const directory = () => plcClient({ plcUrl: nodes.plc!.url, fetch })

  before(async () => {
    const plc = await node('plc', 'plc')
    const relay = await node('relay', 'relay', '--plc', plc.url)
    const view = await node('appview', 'appview', '--plc', plc.url, '--relay', relay.url)
    const appview = `${view.url}#${view.place.did}`
    const host = ['--plc', plc.url, '--appview', appview, '--crawlers', relay.url]
    await node('pds1', 'pds', ...host)
    await node('pds2', 'pds', ...host, '--handle-domains', '.two.test')
    await view.stop()
    nodes.appview = await view.start('--pds-hosts', `${nodes.pds1!.url},${nodes.pds2!.url}`)
    const alice = new AtpAgent({ service: nodes.pds1!.url })
    bob = new AtpAgent({ service: nodes.pds2!.url })
    const email = 'alice@example.com'
    await alice.createAccount({ handle: 'alice.test', email, password: PASSWORD })
    await bob.createAccount({
      handle: 'bob.two.test',
      email: 'bob@example.com',
      password: 'bob-password',
    })
    did = alice.assertDid as Did
    const { data } = await alice.uploadBlob(new Uint8Array(5_000).fill(7), {
      encoding: 'image/png',
    })
    const embed = { $type: 'app.bsky.embed.images', images: [{ image: data.blob, alt: 'a door' }] }
    await alice.post({ text: 'a picture of my door', embed })
    for (let i = 0; i < 20; i++) await alice.post({ text: `day ${i}` })
    await bob.follow(did)
    await eventually('bob in the view', async () => {
      const { data } = await bob.getProfile({ actor: did })
      return data.followersCount === 1 && data.postsCount === 21
    })
  })
  after(async () => {
    for (const one of Object.values(nodes)) await one.kill()
    folder.remove()
  })

  const run = (...args: string[]) => runFalaj(['identity', ...args])
  const recovering = () => [
    ...['recover', '--did', did, '--plc', nodes.plc!.url, '--words-file', wordsFile],
    ...['--to', nodes.pds2!.url, '--handle', 'alice.two.test', '--email', 'alice@example.com'],
    ...['--password-file', passwordFile, '--archive', archive],
  ]

  test('while it lived, she put a key of her own above its key, and showed that she can read the sheet', async () => {
    const { client } = await signIn({ service: nodes.pds1!.url, fetch }, 'alice.test', PASSWORD)
    const input = { password: PASSWORD, purpose: 'plc-operation' as const }
    const { code: token } = await client.post(confirmPassword, input)
    const { didKey } = key.publicKey
    await client.post(registerRecoveryKey, { key: didKey, token, label: 'the sheet in the drawer' })
    await client.post(checkRecoveryKey, proveKey(key, did, Date.now()))
    const health = await client.get(getKeyHealth, {})
    assert.equal(health.state, 'good')
    assert.deepEqual(
      health.keys.map(({ holder }) => holder),
      ['owner', 'host'],
    )
    hostKey = health.keys[1]!.key
  })

  test('she takes everything along, from the page of her account', async () => {
    const { url } = nodes.pds1!
    const alice = new AtpAgent({ service: url })
    await alice.login({ identifier: 'alice.test', password: PASSWORD })
    await alice.app.bsky.actor.putPreferences({ preferences: PREFERENCES })
    const page = await fetch(`${url}/account/sign-in`)
    const [, token] = /name="page-token" value="([^"]+)"/.exec(await page.text())!
    const cookie = page.headers.getSetCookie().map((one) => one.split(';')[0]!)
    const headers = { cookie: cookie.join('; '), origin: url }
    const form = { name: 'alice.test', password: PASSWORD, 'page-token': token! }
    const body = new URLSearchParams(form)
    const call = { method: 'POST', headers, body, redirect: 'manual' as const }
    const signedIn = await fetch(`${url}/account/sign-in`, call)
    assert.equal(signedIn.status, 303)
    const now = signedIn.headers.getSetCookie().map((one) => one.split(';')[0]!)
    const everything = await fetch(`${url}/account/export/everything.zip`, {
      headers: { cookie: [...cookie, ...now].reverse().join('; ') },
    })
    assert.equal(everything.headers.get('content-type'), 'application/zip')
    writeFileSync(archive, new Uint8Array(await everything.arrayBuffer()))
  })

  test('the host is killed, and everything it had is gone', async () => {
    await nodes.pds1!.kill()
    rmSync(join(folder.path, 'pds1'), { recursive: true })
    await assert.rejects(fetch(nodes.pds1!.url))
  })

  test('words of somebody else’s sheet open nothing, and the answer says so', async () => {
    writeFileSync(passwordFile, NEW_PASSWORD)
    const stranger = recoverySheet(new Uint8Array(16).fill(9))
    writeFileSync(wordsFile, stranger.map(({ word }) => word).join(' '))
    const { code, err } = await run(...recovering())
    assert.equal(code, 1)
    assert.match(err, /never was a rotation key of this identity/)
    writeFileSync(wordsFile, 'abandon abandon')
    const short = await run(...recovering())
    assert.equal(short.code, 2)
    assert.match(short.err, /a sheet has 16 words, here are 2/)
  })

  test('a word that was mistyped is named; the check says what would happen and does nothing', async () => {
    const words = recoverySheet(secret).map(({ word }) => word)
    writeFileSync(wordsFile, words.with(4, words[4] === 'zoo' ? 'abandon' : 'zoo').join('\n'))
    const { code, out, err } = await run(...recovering(), '--check', '--json')
    assert.equal(code, 0, err)
    assert.ok(
      err.includes(`word 5 was read as “zoo”: it must be “${words[4]}”`) || words[4] === 'zoo',
    )
    const plan = JSON.parse(out)
    assert.deepEqual([plan.dropped, plan.above, plan.undone], [[hostKey], [], []])
    assert.equal((await directory().log(did))!.valid.length, 2)
  })

  test('with the words and the export she lives on elsewhere, though the command was killed half-way', async () => {
    const child = spawn(falaj, ['identity', ...recovering()], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    for await (const chunk of child.stderr) if (/bringing the records/.test(String(chunk))) break
    child.kill('SIGKILL')
    await once(child, 'exit')
    const { code, out, err } = await run(...recovering(), '--json')
    assert.equal(code, 0, err)
    const receipt = JSON.parse(out)
    assert.deepEqual([receipt.records, receipt.blobs, receipt.missingBlobs], [21, 1, []])
    const data = (await directory().data(did))!
    assert.equal(data.services.atproto_pds!.endpoint, nodes.pds2!.url)
    assert.equal(data.rotationKeys[0], key.publicKey.didKey)
    assert.equal(data.rotationKeys.length, 2)
    assert.ok(!data.rotationKeys.includes(hostKey), 'the host that is gone has no power any more')
    assert.deepEqual(data.alsoKnownAs, ['at://alice.two.test'])
    assert.ok(!err.includes(Buffer.from(secret).toString('hex')))
  })

  test('the relay takes her from the new host, and her followers see what she writes there', async () => {
    const alice = new AtpAgent({ service: nodes.pds2!.url })
    await alice.login({ identifier: 'alice.two.test', password: NEW_PASSWORD })
    assert.equal(alice.assertDid, did)
    const post = await alice.post({ text: 'the door is another, the house is mine' })
    const item = await eventually('the new post', async () => {
      const { data } = await bob.getTimeline({ limit: 5 })
      return data.feed.find((one) => one.post.uri === post.uri)
    })
    assert.equal(item.post.author.did, did)
    await eventually('her name', async () => {
      const { data } = await bob.getProfile({ actor: did })
      assert.equal(data.followersCount, 1)
      assert.equal(data.postsCount, 22)
      return data.handle === 'alice.two.test'
    })
    const { data: settings } = await alice.app.bsky.actor.getPreferences()
    assert.deepEqual(settings.preferences, PREFERENCES, 'what is only hers came too')
    const { data } = await alice.com.atproto.sync.listBlobs({ did })
    const blob = await alice.com.atproto.sync.getBlob({ did, cid: data.cids[0]! })
    assert.deepEqual(new Set(blob.data), new Set([7]))
  })

  test('done again, nothing changes; her key is where it was, for the next time', async () => {
    const before = (await directory().log(did))!
    const { code, out, err } = await run(...recovering(), '--json')
    assert.equal(code, 0, err)
    assert.equal(JSON.parse(out).operation, before.cid)
    assert.equal((await directory().log(did))!.valid.length, before.valid.length)
    const check = await run(
      'check',
      '--did',
      did,
      '--plc',
      nodes.plc!.url,
      '--words-file',
      wordsFile,
    )
    assert.match(check.out, /nobody can undo it/)
  })

  test('an organisation makes its own key on paper', async () => {
    const { out } = await run('make-key', '--json')
    const made = JSON.parse(out)
    assert.equal(made.words.length, 16)
    assert.match(made.key, /^did:key:zQ3/)
    assert.notEqual(made.key, generateKey('k256').publicKey.didKey)
  })
})
