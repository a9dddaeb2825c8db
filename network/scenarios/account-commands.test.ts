/** What an operator does with accounts, invites and other operators, from the command line. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { generateKey } from '#protocol/crypto'
import { type Network, runFalaj, startNetwork, temporaryFolder } from '../rig.ts'

const ORGANISATION = generateKey('k256').publicKey.didKey

describe('falaj account', () => {
  const folder = temporaryFolder()
  const envFile = join(folder.path, 'pds.env')
  let network: Network
  let url: string

  const run = (words: string, env?: Record<string, string>) =>
    runFalaj(['account', ...words.split(' '), '--host', url], env)
  /** As the admin, by the host's own settings; the JSON it answers. */
  async function admin(words: string) {
    const { code, out, err } = await run(`${words} --env-file ${envFile} --json`)
    assert.equal(code, 0, `${words}: ${err}`)
    return JSON.parse(out)
  }
  const signIn = async (identifier: string, password: string) => {
    const agent = new AtpAgent({ service: url })
    await agent.login({ identifier, password })
    return agent
  }

  before(async () => {
    const flags = ['--invite-required', '--recovery-did-key', ORGANISATION]
    network = await startNetwork('--services', 'plc,pds', ...flags)
    url = network.pds[0]!.url
    writeFileSync(envFile, 'PDS_ADMIN_PASSWORD=admin-pass\n')
  })
  after(async () => {
    await network?.stop()
    folder.remove()
  })

  test('an account is made, with an invite where one is needed, and lets its owner in', async () => {
    const made = await admin('create ann.test --email ann@mail.example')
    const agent = await signIn('ann.test', made.password)
    assert.equal(agent.session!.did, made.did)
    const passwordFile = join(folder.path, 'new-password')
    writeFileSync(passwordFile, 'a password of ben\n')
    const ben = await admin(
      `create ben.test --email ben@mail.example --new-password-file ${passwordFile}`,
    )
    assert.equal(ben.password, undefined)
    await signIn('ben.test', 'a password of ben')
  })

  test('the key of the organisation goes into identities that lack it, and nowhere twice', async () => {
    assert.deepEqual(await admin('organisation-key --all'), { added: [], there: 2, failed: [] })
    assert.equal((await admin('organisation-key ann.test')).there, 1)
    const unsaid = await run(`organisation-key --env-file ${envFile}`)
    assert.equal(unsaid.code === 0, false)
    assert.match(unsaid.err, /Name accounts, or say --all/)
  })

  test('accounts are listed with their standing, and found by address', async () => {
    const { out } = await run(`list --env-file ${envFile}`)
    assert.match(out, /^handle +email +standing/)
    assert.match(out, /ann\.test +ann@mail\.example +active +did:plc:/)
    const { accounts } = await admin('search ben@')
    assert.deepEqual(
      accounts.map(({ handle }: { handle: string }) => handle),
      ['ben.test'],
    )
    assert.equal((await admin('list --limit 1')).accounts.length, 1)
  })

  test('an account is taken down and brought back, by handle, DID or address', async () => {
    const { did } = await admin('info ann@mail.example')
    await admin(`takedown ann.test --ref spam`)
    assert.match((await run(`info ${did} --env-file ${envFile}`)).out, /taken down \(spam\)/)
    const listed = (await admin('list')).accounts
    const ann = listed.find((account: { did: string }) => account.did === did)
    assert.equal(ann.status, 'takendown')
    await admin(`untakedown ${did}`)
    assert.match((await run(`info ${did} --env-file ${envFile}`)).out, /standing +active/)
  })

  test('an account is suspended for some hours, and let go before they are over', async () => {
    const { until } = await admin('suspend ann.test --hours 24 --ref cooling')
    assert.ok(Date.parse(until) > Date.now())
    assert.match(
      (await run(`info ann.test --env-file ${envFile}`)).out,
      /standing +suspended until .* \(cooling\)/,
    )
    assert.equal((await admin('suspensions')).suspensions.length, 1)
    await admin('unsuspend ann.test')
    assert.match((await run(`info ann.test --env-file ${envFile}`)).out, /standing +active/)
  })

  test('a record is taken down by its URI', async () => {
    const made = await admin('reset-password ann.test')
    const agent = await signIn('ann.test', made.password)
    const { uri } = await agent.post({ text: 'one post' })
    await admin(`takedown ${uri}`)
    await assert.rejects(agent.getPost({ repo: agent.assertDid, rkey: uri.split('/').at(-1)! }))
    await admin(`untakedown ${uri}`)
    const back = await agent.getPost({ repo: agent.assertDid, rkey: uri.split('/').at(-1)! })
    assert.equal(back.value.text, 'one post')
  })

  test('address and handle are changed, and an account is deleted only when that is meant', async () => {
    await admin('update-email ben.test benjamin@mail.example')
    await admin('update-handle ben.test benjamin.test')
    assert.equal((await admin('info benjamin@mail.example')).handle, 'benjamin.test')
    const unsure = await run(`delete benjamin.test --env-file ${envFile}`)
    assert.deepEqual([unsure.code, /no terminal/.test(unsure.err)], [2, true])
    await admin('delete benjamin.test --yes')
    const gone = await run(`info benjamin@mail.example --env-file ${envFile}`)
    assert.match(gone.err, /No account here is benjamin@mail/)
  })

  test('codes are made, given, listed and stopped', async () => {
    const { codes } = await admin('invite create --count 2 --uses 3 --for ann.test')
    assert.equal(codes.length, 2)
    await admin(`invite disable ${codes[0]}`)
    await admin('invite stop ann.test --note sold')
    const listed = (await admin('invite list')).codes
    const given = listed.filter(({ code }: { code: string }) => codes.includes(code))
    assert.deepEqual(
      given.map(({ available, disabled }: Record<string, unknown>) => [available, disabled]),
      [
        [3, true],
        [3, true],
      ],
    )
    const { out } = await run(`info ann.test --env-file ${envFile}`)
    assert.match(out, /invites stopped +sold/)
    await admin('invite allow ann.test')
  })

  test('an operator works under their own name until revoked, and it is on record', async () => {
    const { secret } = await admin('operators add huda --role moderator')
    const env = { FALAJ_ADMIN_PASSWORD: secret }
    assert.equal((await run('takedown ann.test --user huda', env)).code, 0)
    const refused = await run('update-handle ann.test other.test --user huda', env)
    assert.deepEqual([refused.code, /moderator/.test(refused.err)], [1, true])
    const { did } = (await admin('list')).accounts[0]
    await admin(`untakedown ${did}`)
    await admin('operators revoke huda')
    assert.equal((await run('list --user huda', env)).code, 1)
    const { entries } = await admin('audit --by huda --about ann.test')
    assert.deepEqual(
      entries.map(({ method, outcome }: Record<string, string>) => [method, outcome]),
      [['com.atproto.admin.updateSubjectStatus', 'ok']],
    )
    assert.match(
      (await run(`operators list --env-file ${envFile}`)).out,
      /huda +moderator.*revoked/,
    )
    assert.match((await run(`audit --env-file ${envFile}`)).out, /^when +who +what/)
  })

  test('relays are asked to come by', async () => {
    const asked: unknown[] = []
    const relay = createServer(async (request, response) => {
      asked.push([request.url, await json(request)])
      response.end()
    })
    relay.listen(0, '127.0.0.1')
    await once(relay, 'listening')
    const { port } = relay.address() as AddressInfo
    const done = await run(`request-crawl http://127.0.0.1:${port}`)
    assert.equal(done.code, 0, done.err)
    const hostname = new URL(url).host
    assert.deepEqual(asked, [['/xrpc/com.atproto.sync.requestCrawl', { hostname }]])
    relay.close()
  })

  test('a wrong password is told in one line, without the password', async () => {
    const wrong = await run('list', { FALAJ_ADMIN_PASSWORD: 'a guess' })
    assert.equal(wrong.code, 1)
    assert.equal(wrong.err.trim().split('\n').length, 1)
    assert.doesNotMatch(wrong.err, /a guess/)
  })
})
