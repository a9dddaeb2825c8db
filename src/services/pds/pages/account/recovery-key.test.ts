/** The page of the recovery key as the host answers it: what it shows, and what it takes of a form. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { generateKey } from '#protocol/crypto'
import { plcState, proveKey, recoveryKey } from '#protocol/identity'
import { type Person, TestHost } from '../../testing/host.test-support.ts'
import { Browser, plainText } from '../browser.test-support.ts'

const PATH = '/account/recovery-key'
const key = recoveryKey(new Uint8Array(16).fill(4))
const { didKey } = key.publicKey
const organisation = generateKey('k256').publicKey.didKey

let host: TestHost
before(async () => {
  host = await TestHost.open({ config: { recoveryDidKey: organisation } })
})
after(() => host.close())

async function visitor(person: Person): Promise<Browser> {
  const browser = new Browser(host, { 'accept-language': 'en' })
  await browser.signIn(person)
  await browser.open(PATH)
  return browser
}
const keysOf = ({ did }: Person, on = host) =>
  plcState(on.plc.log(did).findLast(({ nullified }) => !nullified)!.operation)!.rotationKeys
const proofFor = ({ did }: Person) => ({ ...proveKey(key, did, host.outside.now()) })

test('who is not signed in sees nothing of it', async () => {
  const browser = new Browser(host)
  assert.match((await browser.open(PATH)).at, /sign-in\?return=%2Faccount%2Frecovery-key/)
})

test('it shows whose keys there are, in both languages, and no field of it sends words', async () => {
  const alice = await host.signUp('alice')
  const browser = await visitor(alice)
  const { text } = browser.seen!
  assert.match(plainText(text), /No key of yours.*The organisation’s key.*The host’s key/)
  assert.match(plainText((await browser.open(`${PATH}?lang=ar`)).text), /لا مفتاح لك/)
  const fields = [...text.matchAll(/<(?:input|textarea)\b[^>]*>/g)].map(([tag]) => tag)
  const secret = fields.filter((tag) => /id="(?:sheet|ask-\d)"/.test(tag))
  assert.equal(secret.length, 4)
  for (const tag of secret) {
    assert.doesNotMatch(tag, /\bname=/)
    assert.match(tag, /spellcheck="false"/)
    assert.match(tag, /autocomplete="off"/)
  }
  assert.match(text, /lang="en" translate="no" data-words/, 'no translator is shown the words')
})

const told = async ({ did }: Person) => {
  const { letters } = await host.admin('listLetters', { recipient: did, limit: 20 })
  return letters.flatMap(({ purpose }: { purpose: string }) =>
    purpose.startsWith('notice-recovery-key') ? [purpose] : [],
  )
}

test('a key is put in place for the password, and never for a wrong one', async () => {
  const bob = await host.signUp('bob')
  const browser = await visitor(bob)
  const before = keysOf(bob)
  const fields = { ...proofFor(bob), label: '<b>sheet</b>' }
  const wrong = await browser.send('data-step="keep"', { ...fields, password: 'not it' })
  assert.equal(wrong.status, 400)
  assert.match(plainText(wrong.text), /The password is not right/)
  assert.deepEqual(keysOf(bob), before)
  assert.deepEqual(await told(bob), [])
  await browser.open(PATH)
  const done = await browser.send('data-step="keep"', { ...fields, password: bob.password })
  assert.match(plainText(done.text), /The key is in your identity.*All is well/)
  assert.ok(done.text.includes('&lt;b&gt;sheet'), 'a label is text')
  assert.deepEqual(keysOf(bob), [didKey, ...before])
  assert.deepEqual(await told(bob), ['notice-recovery-key-added'])
})

test('a proof by another key is refused, and a directory that is away is named', async () => {
  const carol = await host.signUp('carol', { recoveryKey: didKey })
  const browser = await visitor(carol)
  const forged = proveKey(generateKey('k256'), carol.did, host.outside.now())
  const page = await browser.send('data-send', { ...forged, key: didKey })
  assert.match(plainText(page.text), /did not accept the proof/)
  await browser.open(PATH)
  const good = await browser.send('data-send', proofFor(carol))
  assert.match(plainText(good.text), /The sheet is right/)
  host.plc.mood = 'down'
  assert.match(
    plainText((await browser.open(PATH)).text),
    /directory of identities does not answer/,
  )
  host.plc.mood = 'well'
})

test('keys are taken out without a script, the owner’s and the organisation’s, not the host’s', async () => {
  const dan = await host.signUp('dan', { recoveryKey: didKey })
  const browser = await visitor(dan)
  const hostKey = keysOf(dan).at(-1)!
  assert.ok(!browser.seen!.text.includes(`value="${hostKey}"`), 'there is no form for it')
  for (const gone of [organisation, didKey]) {
    await browser.open(PATH)
    const { text } = await browser.send(`value="${gone}"`, { do: 'remove', password: dan.password })
    assert.match(plainText(text), /The key was taken out/)
  }
  assert.deepEqual(keysOf(dan), [hostKey])
  assert.equal((await told(dan)).filter((one: string) => one.endsWith('-removed')).length, 2)
  // What was declined is offered again.
  await browser.open(PATH)
  await browser.send(`value="${organisation}"`, { do: 'add', password: dan.password })
  assert.deepEqual(keysOf(dan), [organisation, hostKey])
})

test('where the host sends mail, the code of a letter is asked for in place of the password', async () => {
  const { host: mailing, erin } = await withMail()
  const browser = new Browser(mailing, { 'accept-language': 'en' })
  await browser.signIn(erin)
  const { text } = await browser.open(PATH)
  assert.doesNotMatch(text, /name="password"/)
  await browser.send('data-step="keep"', { do: 'code' })
  const proof = proveKey(key, erin.did, mailing.outside.now())
  await browser.open(PATH)
  const wrong = await browser.send('data-step="keep"', { ...proof, code: 'AAAAA-BBBBB' })
  assert.match(plainText(wrong.text), /The code is not right/)
  const code = (await mailing.mailedCode(erin)).toLowerCase()
  await browser.open(PATH)
  const done = await browser.send('data-step="keep"', { ...proof, code })
  assert.match(plainText(done.text), /The key is in your identity/)
  await mailing.close()
})

/** A host with a mail server that takes everything. */
async function withMail() {
  const config = { emailSmtpUrl: 'smtp://localhost:1', emailFromAddress: 'host@pds.test' }
  const mail = { send: async () => {}, close() {} } as never
  const opened = await TestHost.open({ config, mail })
  return { host: opened, erin: await opened.signUp('erin') }
}
