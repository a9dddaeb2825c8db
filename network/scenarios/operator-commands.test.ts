/** What an operator does from the command line, against a running host. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { type Network, runFalaj, startNetwork, temporaryFolder } from '../rig.ts'
import { type SmtpSink, smtpSink } from '../smtp-sink.ts'

const CODE = /[A-Z2-7]{5}-[A-Z2-7]{5}/

describe('falaj mail', () => {
  const folder = temporaryFolder()
  const passwordFile = join(folder.path, 'password')
  let network: Network
  let sink: SmtpSink
  let alice: AtpAgent
  let host: string[]

  before(async () => {
    sink = await smtpSink()
    const mail = ['--email-smtp-url', sink.url, '--email-from-address', 'host@pds.test']
    network = await startNetwork('--services', 'plc,pds', ...mail)
    writeFileSync(passwordFile, 'admin-pass\n')
    host = ['--host', network.pds[0]!.url]
    alice = new AtpAgent({ service: network.pds[0]!.url })
    const email = 'alice@mail.example'
    await alice.createAccount({ handle: 'alice.test', email, password: 'alice-password' })
  })
  after(async () => {
    await network?.stop()
    await sink.close()
    folder.remove()
  })

  test('misuse is told in lines, a wrong password in one', async () => {
    for (const args of [[], ['burn'], ['show'], ['show', 'x', ...host], ['list', 'x', ...host]]) {
      assert.equal((await runFalaj(['mail', ...args])).code, 2, args.join(' '))
    }
    const none = await runFalaj(['mail', 'list', ...host])
    assert.deepEqual([none.code, /no terminal/.test(none.err)], [2, true])
    const wrong = await runFalaj(['mail', 'list', ...host], { FALAJ_ADMIN_PASSWORD: 'guess' })
    assert.equal(wrong.code, 1)
    assert.doesNotMatch(wrong.err, /guess/)
  })

  test('a letter that the mail server refused is listed, read and sent again', async () => {
    sink.mishaps.push({ rcpt: '550 5.1.1 nobody here' })
    await alice.com.atproto.server.requestEmailConfirmation()
    const env = { FALAJ_ADMIN_PASSWORD: 'admin-pass' }
    const failed = async () => {
      const { out } = await runFalaj(['mail', 'list', ...host, '--state', 'failed', '--json'], env)
      return JSON.parse(out).letters[0]
    }
    let letter = await failed()
    for (let i = 0; !letter && i < 20; i++) letter = await failed()
    assert.match(letter.reason, /550/)
    const listed = await runFalaj(['mail', 'list', ...host, '--password-file', passwordFile])
    assert.match(listed.out, /failed {3}confirm-email {3}alice@mail\.example {2}\(.*550/)
    assert.doesNotMatch(listed.out, CODE)
    const shown = await runFalaj(['mail', 'show', String(letter.id), ...host], env)
    const code = CODE.exec(shown.out)![0]
    const again = await runFalaj(['mail', 'resend', String(letter.id), ...host], env)
    assert.equal(again.code, 0, again.err)
    await sink.received(1)
    assert.ok(sink.letters[0]!.text.includes(code))
    const input = { email: 'alice@mail.example', token: code }
    await alice.com.atproto.server.confirmEmail(input)
    const missing = await runFalaj(['mail', 'show', '99', ...host], env)
    assert.deepEqual([missing.code, missing.err], [1, 'falaj: No letter 99\n'])
  })
})
