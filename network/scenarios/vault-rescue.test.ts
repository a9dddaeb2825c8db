import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { checkRecoveryKey, confirmPassword, registerRecoveryKey, signIn } from '#protocol/account'
import { plcClient, proveKey, recoveryKey, recoverySheet } from '#protocol/identity'
import { verifyRepoCar } from '#protocol/repo'
import type { Did } from '#protocol/syntax'
import {
  eventually,
  type Network,
  runFalaj,
  ServerProcess,
  startNetwork,
  temporaryFolder,
} from '../rig.ts'

const PASSWORD = 'alice-password'
const SCHOOL = new Uint8Array(16).fill(77)
const NEW_PASSWORD = 'alice at her new host'

/** Alice's host is a process that will be destroyed; the directory and another host are in this one. */
describe('an account in a vault', () => {
  const folder = temporaryFolder()
  const secret = crypto.getRandomValues(new Uint8Array(16))
  const key = recoveryKey(secret)
  const file = (name: string, content: string) => {
    writeFileSync(join(folder.path, name), content)
    return join(folder.path, name)
  }
  let network: Network
  let host: ServerProcess
  let vault: ServerProcess
  let alice: AtpAgent
  let did: Did
  let regret: string
  let beforeRegret: string
  let bobDid: Did

  before(async () => {
    network = await startNetwork('--services', 'plc,pds')
    const plc = ['--plc', network.plc.url]
    host = new ServerProcess('pds', '--dev', '--data', join(folder.path, 'pds'), ...plc)
    const above = ['--recovery-did-key', recoveryKey(SCHOOL).publicKey.didKey]
    await host.with('--handle-domains', '.old.test', ...above).start()
    vault = new ServerProcess('vault', '--dev', '--data', join(folder.path, 'vault'), ...plc)
    await vault.with('--follow-host', host.url).start()
    alice = new AtpAgent({ service: host.url })
    const email = 'alice@example.com'
    await alice.createAccount({ handle: 'alice.old.test', email, password: PASSWORD })
    did = alice.assertDid as Did
    const bytes = new Uint8Array(5_000).fill(7)
    const { data } = await alice.uploadBlob(bytes, { encoding: 'image/png' })
    const embed = { $type: 'app.bsky.embed.images', images: [{ image: data.blob, alt: 'a door' }] }
    await alice.post({ text: 'a picture of my door', embed })
    for (let i = 0; i < 5; i++) await alice.post({ text: `day ${i}` })
  })
  after(async () => {
    for (const one of [host, vault]) await one.kill()
    await network.stop()
    folder.remove()
  })

  const run = (...args: string[]) => runFalaj(args, { FALAJ_ADMIN_PASSWORD: 'admin-pass' })

  /** Waits until the vault has all that alice wrote. */
  async function caughtUp(): Promise<void> {
    const { data } = await alice.com.atproto.sync.getLatestCommit({ did })
    const headers = { authorization: `Basic ${btoa('admin:admin-pass')}` }
    await eventually('the vault is in step', async () => {
      const url = `${vault.url}/xrpc/app.falaj.vault.getAccount?did=${did}`
      const answer = await fetch(url, { headers })
      const account = (await answer.json()) as { rev: string; blobsWanted: number }
      return account.rev === data.rev && account.blobsWanted === 0
    })
  }

  const texts = async (agent: AtpAgent) => {
    const params = { repo: did, collection: 'app.bsky.feed.post', reverse: true }
    const { data } = await agent.com.atproto.repo.listRecords(params)
    return data.records.map(({ value }) => value.text)
  }

  test('is given back as a file as it was at a time, with its pictures beside it', async () => {
    await caughtUp()
    await new Promise((done) => setTimeout(done, 5))
    beforeRegret = new Date().toISOString()
    await new Promise((done) => setTimeout(done, 5))
    regret = (await alice.post({ text: 'written by whoever stole my phone' })).uri
    await alice.deletePost(regret)
    const { data } = await alice.com.atproto.repo.listRecords({
      repo: did,
      collection: 'app.bsky.feed.post',
      limit: 2,
    })
    for (const { uri } of data.records) await alice.deletePost(uri)
    await caughtUp()
    const out = join(folder.path, 'then.car')
    const blobs = join(folder.path, 'blobs')
    const args = ['--vault', vault.url, '--at', beforeRegret, '--out', out, '--blobs', blobs]
    const done = await run('vault', 'restore', did, ...args, '--json')
    assert.equal(done.code, 0, done.err)
    assert.equal(JSON.parse(done.out).records, 6)
    assert.equal(verifyRepoCar(readFileSync(out), { did }).records.length, 6)
    assert.deepEqual(readdirSync(blobs).length, 1)
    const listed = await run('vault', 'list', '--vault', vault.url)
    assert.match(listed.out, new RegExp(`${did}  kept`))
  })

  test('is set back at its own host by its owner, who goes on from there', async () => {
    const passwordFile = file('password', PASSWORD)
    const args = ['--vault', vault.url, '--at', beforeRegret, '--to', host.url, '--yes']
    const done = await run('vault', 'restore', did, ...args, '--password-file', passwordFile)
    assert.equal(done.code, 0, done.err)
    await alice.login({ identifier: 'alice.old.test', password: PASSWORD })
    assert.deepEqual(await texts(alice), [
      'a picture of my door',
      ...['day 0', 'day 1', 'day 2', 'day 3', 'day 4'],
    ])
    await alice.post({ text: 'back again' })
    await caughtUp()
    const shown = await run('vault', 'show', did, '--vault', vault.url)
    assert.match(shown.out, /state +kept/)
  })

  test('whose host is destroyed comes back at another by sixteen words, and the receipt says what nobody proves', async () => {
    const { client } = await signIn({ service: host.url, fetch }, 'alice.old.test', PASSWORD)
    const input = { password: PASSWORD, purpose: 'plc-operation' as const }
    const { code: token } = await client.post(confirmPassword, input)
    await client.post(registerRecoveryKey, { key: key.publicKey.didKey, token, label: 'paper' })
    await client.post(checkRecoveryKey, proveKey(key, did, Date.now()))
    const preferences = [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: true }]
    await alice.app.bsky.actor.putPreferences({ preferences } as never)
    await alice.com.atproto.server.createAppPassword({ name: 'phone' })
    const own = ['--vault', vault.url, '--from', host.url]
    const password = file('password', PASSWORD)
    const kept = await run('vault', 'keep-private', did, ...own, '--password-file', password)
    assert.equal(kept.code, 0, kept.err)
    assert.match(kept.out, /^Kept; the host does not say: appview/)
    const bob = new AtpAgent({ service: host.url })
    const email = 'bob@example.com'
    await bob.createAccount({ handle: 'bob.old.test', email, password: PASSWORD })
    await bob.post({ text: 'of bob' })
    bobDid = bob.assertDid as Did
    await eventually('the vault has bob', async () => {
      const { out } = await run('vault', 'show', bobDid, '--vault', vault.url)
      return /states +2/.test(out)
    })
    await host.kill()
    rmSync(join(folder.path, 'pds'), { recursive: true })

    const wordsOf = (bytes: Uint8Array) =>
      recoverySheet(bytes)
        .map(({ word }) => word)
        .join(' ')
    const words = file('words', wordsOf(secret))
    const strange = file('strange-words', wordsOf(new Uint8Array(16).fill(9)))
    const peek = await run('vault', 'show', did, '--vault', vault.url, '--words-file', strange)
    assert.equal(peek.code, 1)
    assert.match(peek.err, /signature/)

    const to = network.pds[0]!.url
    const receipt = join(folder.path, 'receipt.json')
    const recovering = [
      ...['identity', 'recover', '--did', did, '--plc', network.plc.url, '--to', to],
      ...['--handle', 'alice.test', '--email', 'alice@example.com', '--words-file', words],
      ...['--password-file', file('new-password', NEW_PASSWORD), '--vault', vault.url],
      ...['--receipt', receipt],
    ]
    const { code, out, err } = await run(...recovering)
    assert.equal(code, 0, err)
    assert.match(out, /records +7\n {2}blobs +1\n/)
    assert.match(out, /preferences +1\n +app-passwords +phone: to be made again\n/)
    assert.match(out, /unproven +that nothing was written after that\n/)
    const verified = await run('receipt', 'verify', receipt, '--plc', network.plc.url)
    assert.equal(verified.code, 0, verified.err)
    assert.match(verified.out, /came back at .* from a vault at .*7 records, 1 blobs, 0 missing\n/)
    assert.match(verified.out, /not proven: that nothing was written after the copy\n/)
    writeFileSync(receipt, readFileSync(receipt, 'utf8').replace('later-writes', 'copy-as-told'))
    const changed = await run('receipt', 'verify', receipt, '--plc', network.plc.url)
    assert.equal(changed.code, 1)
    assert.match(changed.err, /was not signed by/)
    const again = new AtpAgent({ service: to })
    await again.login({ identifier: 'alice.test', password: NEW_PASSWORD })
    assert.equal((await texts(again)).at(-1), 'back again')
    const chosen = await again.app.bsky.actor.getPreferences()
    assert.ok(JSON.stringify(chosen.data.preferences).includes('adultContentPref'))
    const { data } = await again.com.atproto.sync.listBlobs({ did })
    assert.equal(data.cids.length, 1)
    const identity = await plcClient({ plcUrl: network.plc.url, fetch }).data(did)
    assert.equal(identity?.services.atproto_pds?.endpoint, to)
  })

  test('with everybody else of that host: beside it as archives, or into another one by the organisation’s key', async () => {
    const aside = join(folder.path, 'aside')
    const archives = ['vault', 'restore-host', '--vault', vault.url, '--out', aside]
    const past = await run(...archives, '--at', beforeRegret, '--json')
    assert.equal(past.code, 0, past.err)
    const outcomes = (out: string) =>
      Object.fromEntries(
        (JSON.parse(out).accounts as { did: string; outcome: string; records?: number }[]).map(
          ({ did, outcome, records = 0 }) => [did, `${outcome} ${records}`],
        ),
      )
    assert.deepEqual(outcomes(past.out), { [did]: 'restored 6', [bobDid]: 'nothing-so-old 0' })
    const files = readdirSync(join(aside, did.replaceAll(':', '_')))
    assert.ok(files.includes('repo.car') && files.includes('account.json'))
    const again = await run(...archives, '--at', beforeRegret)
    assert.match(again.out, /was-there +1\n/)

    const to = network.pds[0]!.url
    const sheet = recoverySheet(SCHOOL).map(({ word }) => word)
    const table = join(folder.path, 'table')
    const all = [
      ...['vault', 'restore-host', '--vault', vault.url, '--from', host.url, '--to', to],
      ...['--plc', network.plc.url, '--table', table, '--rename-from', '.old.test'],
      ...['--words-file', file('school', sheet.join(' ')), '--json'],
    ]
    const { code, out, err } = await run(...all)
    assert.equal(code, 0, err)
    assert.equal(outcomes(out)[bobDid], 'restored 1')
    assert.ok([undefined, 'elsewhere 0'].includes(outcomes(out)[did]), `she is left alone: ${out}`)
    const line = readFileSync(table, 'utf8')
      .split('\n')
      .find((one) => one.includes(bobDid))!
    const bob = new AtpAgent({ service: to })
    await bob.login({ identifier: 'bob.test', password: JSON.parse(line).password })
    const params = { repo: bobDid, collection: 'app.bsky.feed.post' }
    const posts = await bob.com.atproto.repo.listRecords(params)
    assert.deepEqual(
      posts.data.records.map(({ value }) => value.text),
      ['of bob'],
    )
  })
})
