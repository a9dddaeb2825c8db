import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { type Network, startNetwork, temporaryFolder } from '../rig.ts'

const falaj = join(import.meta.dirname, '../../bin/falaj')
const PASSWORD = 'alice-password'

describe('falaj move', () => {
  const folder = temporaryFolder()
  const passwordFile = join(folder.path, 'password')
  const state = join(folder.path, 'state.json')
  let network: Network
  let alice: AtpAgent
  let wanted: string[]

  before(async () => {
    network = await startNetwork('--pds', '2', '--services', 'plc,pds')
    const [from, to] = network.pds.map(({ url }) => url) as [string, string]
    alice = new AtpAgent({ service: from })
    await alice.createAccount({
      handle: 'alice.test',
      email: 'alice@example.com',
      password: PASSWORD,
    })
    for (let i = 0; i < 30; i++) {
      const { data } = await alice.uploadBlob(new Uint8Array(2_000).fill(i), {
        encoding: 'image/png',
      })
      const embed = { $type: 'app.bsky.embed.images', images: [{ image: data.blob, alt: '' }] }
      await alice.post({ text: `${i}`, embed })
    }
    writeFileSync(passwordFile, `${PASSWORD}\n`)
    wanted = ['--from', from, '--to', to, '--plc', network.plc.url, '--handle', 'alice.test']
    wanted.push('--email', 'alice@example.com', '--state', state, '--json')
  })
  after(async () => {
    await network?.stop()
    folder.remove()
  })

  async function run(...flags: string[]) {
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe']
    const child = spawn(falaj, ['move', ...flags], { stdio })
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
    if (child.exitCode === null) await once(child, 'exit')
    return { code: child.exitCode, out, err }
  }

  test('says in one go what is missing, and asks nobody who is not there', async () => {
    const none = await run()
    assert.equal(none.code, 2)
    for (const name of ['from', 'to', 'plc', 'handle'])
      assert.match(none.err, new RegExp(`--${name} `))
    const silent = await run(...wanted)
    assert.equal(silent.code, 2)
    assert.match(silent.err, /no terminal/)
  })

  test('refuses a wrong password in words', async () => {
    const wrong = join(folder.path, 'wrong')
    writeFileSync(wrong, 'something else')
    const { code, err } = await run(...wanted, '--password-file', wrong)
    assert.equal(code, 1)
    assert.match(err, /Invalid identifier or password/)
    assert.doesNotMatch(err, /something else/)
  })

  test('--check tells what would move and moves nothing', async () => {
    const { code, out } = await run(...wanted, '--password-file', passwordFile, '--check')
    assert.equal(code, 0)
    const found = JSON.parse(out)
    assert.deepEqual([found.records, found.blobs, found.obstacles], [30, 30, []])
    assert.equal(existsSync(state), false)
  })

  test('goes on after it was killed, and ends with a receipt', async () => {
    const child = spawn(falaj, ['move', ...wanted, '--password-file', passwordFile], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    // The first word about blobs: the account and the records are there by then.
    for await (const chunk of child.stderr) if (/pictures/.test(String(chunk))) break
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.equal(existsSync(state), true)
    const { code, out, err } = await run(...wanted, '--password-file', passwordFile)
    assert.equal(code, 0, err)
    const receipt = JSON.parse(out)
    assert.deepEqual([receipt.records, receipt.blobs, receipt.sameRoot], [30, 30, true])
    assert.equal(existsSync(state), false, 'the tokens are gone with the move')
    const there = new AtpAgent({ service: network.pds[1]!.url })
    await there.login({ identifier: 'alice.test', password: PASSWORD })
    assert.equal(there.assertDid, alice.assertDid)
  })
})
