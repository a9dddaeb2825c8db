/** Moves that the new host does itself, with hosts that are killed on the way, and the command line. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { readHead, signIn } from '#protocol/account'
import { MovingNetwork } from '../moving.test-support.ts'
import { runFalaj } from '../rig.ts'

describe('a move by the new host', () => {
  const network = new MovingNetwork()
  before(() => network.start())
  after(() => network.stop())

  const run = (...words: string[]) => runFalaj(words)

  test('goes on when the new host was killed among the pictures', async () => {
    const alice = await network.person('alice', { records: 400, blobs: 60 })
    const { state, receipt } = await network.moveThrough(alice, 'blobs', 'new')
    assert.equal(state, 'done')
    assert.deepEqual([receipt!.records, receipt!.blobs, receipt!.sameRoot], [460, 60, true])
    assert.deepEqual(receipt!.missingBlobs, [])
  })

  test('goes on when the old host was killed at the switch', async () => {
    const bob = await network.person('bob', { records: 20, blobs: 5 })
    const { state, receipt } = await network.moveThrough(bob, 'switch', 'old')
    assert.equal(state, 'done')
    assert.deepEqual([receipt!.records, receipt!.blobs, receipt!.sameRoot], [25, 5, true])
  })

  test('an account leaves in one file, and comes back from it as it was', async () => {
    const dave = await network.person('dave', { records: 20, blobs: 3 })
    const file = join(network.folder, 'dave.zip')
    const password = join(network.folder, 'password of dave')
    writeFileSync(password, dave.password)
    const host = network.old.url
    const who = ['--host', host, '--handle', dave.handle, '--password-file', password, '--json']
    const taken = await run('export', ...who, '--language', 'en', file)
    assert.equal(taken.code, 0, taken.err)
    assert.equal(JSON.parse(taken.out).blobs, 3)
    // Nothing in it is packed, so that anything can read it.
    const archive = readFileSync(file, 'latin1')
    assert.match(archive, new RegExp(`"format": "falaj-archive"[^}]*"did": "${dave.did}"`))
    assert.match(archive, /index\.html[\s\S]*<html lang="en" dir="ltr">/)
    // What was written since goes, and what was deleted is there again.
    const session = await signIn({ service: host, fetch }, dave.handle, dave.password)
    const head = await readHead(session.client, session.state.did)
    const write = (record: object) => ({ repo: dave.did, collection: 'app.bsky.feed.post', record })
    const call = (method: string, input: object) =>
      fetch(`${host}/xrpc/com.atproto.repo.${method}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${session.state.accessJwt}`,
        },
        body: JSON.stringify(input),
      })
    const later = { text: 'later', createdAt: '2026-01-01T00:00:00Z' }
    assert.equal((await call('createRecord', write(later))).status, 200)
    assert.notEqual((await readHead(session.client, session.state.did)).data, head.data)
    assert.equal((await run('import', ...who, file)).code, 2, 'it says that it replaces')
    const back = await run('import', ...who, '--replace', file)
    assert.equal(back.code, 0, back.err)
    const { records, blobs, missingBlobs } = JSON.parse(back.out)
    assert.deepEqual([records, blobs, missingBlobs], [23, 3, []])
    assert.equal((await readHead(session.client, session.state.did)).data, head.data)
    assert.equal((await call('createRecord', write(later))).status, 200, 'the account is open')
    // The archive of another is refused before anything is touched.
    const carl = await network.person('carl', { records: 1, blobs: 0 })
    writeFileSync(password, carl.password)
    const other = ['--host', host, '--handle', carl.handle, '--password-file', password]
    const refused = await run('import', ...other, '--replace', file)
    assert.equal(refused.code, 1)
    assert.match(refused.err, /the archive is of/)
  })

  test('a fleet is checked, moved and told of by the command line', async () => {
    const movers = [
      await network.person('fleet1', { records: 2, blobs: 1 }),
      await network.person('fleet2', { records: 1, blobs: 0 }),
    ]
    const table = join(network.folder, 'people.tsv')
    const rows = movers.map(({ handle }, i) => `${handle}\t${i + 1}`)
    const write = (more: string[]) =>
      writeFileSync(table, ['account\twave', ...rows, ...more].join('\n'))
    const world = { FALAJ_ADMIN_PASSWORD: 'admin-pass', FALAJ_FROM_ADMIN_PASSWORD: 'admin-pass' }
    const fleet = (...words: string[]) =>
      runFalaj(['move', 'fleet', ...words, '--to', network.new.url], world)
    write(['nobody.test'])
    const checked = await fleet(table, '--from', network.old.url, '--check')
    assert.deepEqual([checked.code, checked.out.split(':')[0]], [1, '2 of 3 accounts can begin'])
    write([])
    const other = await fleet(table, '--from', network.old.url)
    assert.deepEqual([other.code, other.err.includes('begun with 3 accounts')], [2, true])
    assert.equal((await fleet('abandon', 'people')).code, 0)
    const report = join(network.folder, 'moved')
    const moved = await fleet(table, '--from', network.old.url, '--name', 'all', '--report', report)
    assert.equal(moved.code, 0, moved.err)
    assert.match(moved.out, /^all: done, 2 of 2 moved/)
    const csv = readFileSync(`${report}.csv`, 'utf8').split('\r\n')
    assert.match(csv[1]!, /^fleet1\.test,did:plc:\w+,fleet1\.test,1,done,0,/)
    const { accounts } = JSON.parse(readFileSync(`${report}.json`, 'utf8'))
    const file = join(network.folder, 'one receipt')
    writeFileSync(file, JSON.stringify(accounts[0].receipt))
    assert.equal((await run('receipt', 'verify', file, '--plc', network.plc.url)).code, 0)
    assert.match((await fleet('list')).out, /all +done .* 2\/2/)
  })

  test('the command line starts it, shows its end, verifies the receipt, and moves back', async () => {
    const carol = await network.person('carol', { records: 30, blobs: 3 })
    const password = join(network.folder, 'password')
    writeFileSync(password, carol.password)
    const who = ['--handle', carol.handle, '--password-file', password, '--json']
    const { url: plc } = network.plc
    const [from, to] = [network.old.url, network.new.url]
    const moved = await run('move', '--from', from, '--to', to, '--plc', plc, ...who)
    assert.equal(moved.code, 0, moved.err)
    assert.match(moved.err, /done/)
    const file = join(network.folder, 'receipt.json')
    writeFileSync(file, moved.out)
    const good = await run('receipt', 'verify', file, '--plc', plc)
    assert.equal(good.code, 0, good.err)
    assert.match(good.out, /33 records, 3 blobs, nothing missing/)
    writeFileSync(file, moved.out.replace('"records":33', '"records":34'))
    const bad = await run('receipt', 'verify', file, '--plc', plc)
    assert.equal(bad.code, 1)
    const back = await run('move', 'back', '--to', to, ...who)
    assert.equal(back.code, 0, back.err)
    assert.equal(JSON.parse(back.out).to, from)
    assert.equal((await run('move', 'sideways')).code, 2)
  })
})
