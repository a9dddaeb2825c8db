/** Moving to a host by its own pages, without a script: checked, started, watched, decided about. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type SignedReceipt, verifyReceipt } from '#protocol/account'
import { generateKey } from '#protocol/crypto'
import { recoveryKey, signPlcOperation, type UnsignedPlcOperation } from '#protocol/identity'
import { FakePlc } from '../../testing/fake-plc.test-support.ts'
import { type Person, TestHost } from '../../testing/host.test-support.ts'
import { fetchAmong } from '../../testing/hosts.test-support.ts'
import { Browser, plainText } from '../browser.test-support.ts'

const OLD = 'https://old.test'
const NEW = 'https://new.test'
const HERE = '/account/move-here'
const plc = new FakePlc()
const hosts = new Map<string, TestHost>()

const open = async (publicUrl: string, seed: number, domain: string, more = {}) => {
  const config = { handleDomains: [domain], pdsHosts: [OLD, NEW], ...more }
  const host = await TestHost.open({ plc, publicUrl, seed, fetch: fetchAmong(hosts), config })
  hosts.set(publicUrl, host)
  return host
}

let source: TestHost
let destination: TestHost
before(async () => {
  source = await open(OLD, 1, '.test')
  destination = await open(NEW, 2, '.two.test')
})
after(async () => {
  for (const host of hosts.values()) await host.close()
})

const english = (host = destination) => new Browser(host, { 'accept-language': 'en' })
const says = ({ seen }: Browser) => plainText(seen!.text)

async function person(name: string, more = {}): Promise<Person> {
  const one = await source.signUp(name, more)
  await source.write(one, 'from the old house')
  return one
}

/** The check at the new host, as somebody does it who knows nothing but handle and password. */
async function checked(one: Person, browser = english(), fields = {}): Promise<Browser> {
  await browser.open(HERE)
  await browser.send('name="password"', { name: one.handle, password: one.password, ...fields })
  return browser
}

async function started(one: Person): Promise<Browser> {
  const browser = await checked(one)
  const { at } = await browser.send('name="ticket"', { do: 'start' })
  assert.equal(at, '/account/move', says(browser))
  return browser
}

const until = (browser: Browser, wanted: RegExp) =>
  destination.until(async () => {
    for (const { outside } of hosts.values()) await outside.advance(20)
    await browser.open('/account/move')
    return wanted.test(says(browser))
  })

test('the check tells in plain words what will happen, and changes nothing anywhere', async () => {
  const alice = await person('alice')
  const input = { name: 'x', password: alice.password }
  await source.post('com.atproto.server.createAppPassword', input, alice.accessJwt)
  const browser = await checked(alice)
  assert.equal(browser.seen!.status, 200)
  assert.match(says(browser), /You keep your handle @alice\.test · Your old host gave it to you/)
  assert.match(says(browser), /Records: 1 · Pictures and videos: 0 · about \d+ byte/)
  assert.match(says(browser), /It takes about 3 seconds/)
  assert.match(says(browser), /You have these: x/)
  assert.match(browser.seen!.text, /name="email"[^>]*value="alice@mail\.example"/)
  assert.doesNotMatch(browser.seen!.text, new RegExp(alice.password))
  assert.equal(
    (await destination.get('com.atproto.sync.getRepoStatus', { did: alice.did })).status,
    400,
  )
  assert.equal(plc.log(alice.did).length, 1)
  // Not now: the session that was opened for it ends.
  assert.match(plainText((await browser.send('name="ticket"', { do: 'leave' })).text), /not now/)
  const at = english(source)
  await at.signIn(alice, '/account/sign-in?return=/account/sessions')
  assert.equal(at.seen!.text.match(/name="session"/g)?.length, 1, 'but for the one of the sign-up')
})

test('the address of the host itself leads there', async () => {
  const browser = english()
  browser.headers.accept = 'text/html,*/*'
  assert.match((await browser.open('/')).text, /href="\/account\/move-here"/)
  assert.match(says(browser), /Handles here end in \.two\.test/)
  const { body } = await destination.visit('GET', '/')
  assert.match(String(body), /Personal Data Server/, 'programs are told in a line of text')
})

test('what keeps one from moving is said before anything happens', async () => {
  const alice = await person('hindered')
  const wrong = await checked({ ...alice, password: 'not it at all' })
  assert.equal(wrong.seen!.status, 400)
  assert.match(says(wrong), /did not take the handle or the password/)
  assert.match(wrong.seen!.text, /value="hindered\.test"/)
  const nobody = await checked({ ...alice, handle: 'nobody.test' as Person['handle'] })
  assert.match(says(nobody), /no host of this handle/)
  const away = await checked(alice, english(), { source: 'away.test' })
  assert.match(says(away), /does not answer just now/)
  const home = await checked(alice, english(source))
  assert.match(says(home), /Your account is here already/)
  assert.doesNotMatch(home.seen!.text, /value="start"/)
})

test('who holds a key of their own sees how long a change can be undone, with the host gone too', async () => {
  const alice = await person('bereft')
  const browser = english()
  await browser.open('/account/lost-host')
  await browser.send('name="name"', { name: alice.handle })
  assert.match(says(browser), /Host https:\/\/old\.test Keys that own it 1/)
  assert.match(says(browser), /has not changed within the last 72 hours/)
  const handle = 'other.test'
  const changed = await source.post(
    'com.atproto.identity.updateHandle',
    { handle },
    alice.accessJwt,
  )
  assert.equal(changed.status, 200, JSON.stringify(changed.body))
  await browser.send('name="name"', { name: alice.did })
  assert.match(says(browser), /Handle @other\.test/)
  assert.match(says(browser), /the handle Signed by: did:key:\w+ No key ranks above/)
  assert.match(says(browser), new RegExp(`falaj identity recover --did ${alice.did}`))
  assert.equal((await browser.send('name="name"', { name: 'nobody.test' })).status, 400)
})

test('a key above the host’s takes a move back at the page of any host, and opens the account again', async () => {
  const own = recoveryKey(new Uint8Array(16).fill(9))
  const alice = await person('abducted', { recoveryKey: own.publicKey.didKey })
  const loop = destination.loop('moves')
  await until(await started(alice), /You have arrived/)
  await loop.stop()
  // Where the account was taken to, or anywhere: nobody signs in for it.
  const page = english(source)
  await page.open('/account/lost-host')
  await page.send('name="name"', { name: alice.did })
  assert.match(
    says(page),
    /the host, the signing key, .* · new\.test Signed by: .* Left to undo it: 72 hours/,
  )
  const undo = /name="undo" value="([^"]+)"/.exec(page.seen!.text)![1]!
  await page.send('name="undo"', { undo })
  assert.match(says(page), /stands then Handle @abducted\.test Host https:\/\/old\.test/)
  const words = /<textarea[^>]*id="sheet"[^>]*>/.exec(page.seen!.text)![0]
  assert.doesNotMatch(words, /\bname=/)
  const shown = /data-operation="([^"]+)"/.exec(page.seen!.text)![1]!.replaceAll('&quot;', '"')
  const operation = JSON.parse(shown) as UnsignedPlcOperation
  const thief = generateKey('k256')
  const wrong = await page.send('id="signed"', { sig: signPlcOperation(operation, thief).sig })
  assert.equal(wrong.status, 400)
  assert.match(says(page), /Nothing has changed/)
  await page.open('/account/lost-host')
  await page.send('name="name"', { name: alice.did })
  await page.send('name="undo"', { undo })
  await page.send('id="signed"', { sig: JSON.stringify(signPlcOperation(operation, own)) })
  assert.match(says(page), /You are back .* Your account here is open again/)
  const { body } = await source.get('com.atproto.sync.getRepoStatus', { did: alice.did })
  assert.equal(body.active, true)
  const taken = (await destination.events()).findLast(
    ({ did, commit }) => did === alice.did && commit,
  )
  const back = (await source.events()).findLast(({ did, commit }) => did === alice.did && commit)
  assert.ok(back!.commit!.rev > taken!.commit!.rev, 'above the newest rev anywhere')
})

test('a check is of the browser that made it, and for some minutes', async () => {
  const alice = await person('patient')
  const browser = await checked(alice)
  const other = english()
  await other.open(HERE)
  const ticket = /name="ticket" value="([^"]+)"/.exec(browser.seen!.text)![1]!
  await other.send(undefined, { do: 'start', ticket, name: '', password: '' })
  assert.match(says(other), /begin again/)
  // The clocks of both hosts go alike.
  for (const { outside } of hosts.values()) await outside.advance(21 * 60_000)
  assert.match(
    plainText((await browser.send('name="ticket"', { do: 'start' })).text),
    /begin again/,
  )
})

test('moves, shows how it goes on in both languages, and hands over the receipt', async () => {
  const alice = await person('moving')
  const browser = await started(alice)
  assert.match(browser.seen!.text, /<noscript><meta http-equiv="refresh"/)
  assert.match(says(browser), /Your account is on its way/)
  assert.match(
    (await browser.open('/account/move?lang=ar')).text,
    /dir="rtl"[\s\S]*حسابك في الطريق/,
  )
  await browser.open('/account/move?lang=en')
  const jobs = destination.loop('moves')
  await until(browser, /You have arrived/)
  await jobs.stop()
  assert.match(says(browser), /Everything has arrived, the same to the last byte/)
  assert.doesNotMatch(browser.seen!.text, /http-equiv="refresh"/)
  const [path] = /\/account\/move\/receipt\.json\?id=\w+/.exec(browser.seen!.text)!
  const { body, headers } = await browser.ask('GET', path)
  assert.match(headers!['content-disposition']!, /moving\.test-move-receipt\.json/)
  const receipt = JSON.parse(body as string) as SignedReceipt
  assert.equal(verifyReceipt(receipt, (await destination.signingKey(alice.did))!), true)
  // The old host knows where they are, and what it keeps.
  const there = english(source)
  await there.signIn(alice, '/account/sign-in?return=/account/move')
  assert.match(says(there), /Your account lives now at new\.test/)
  // And back, for the password.
  await browser.open('/account/move')
  assert.match(
    plainText((await browser.send('name="password"', { do: 'back', password: 'no' })).text),
    /password is not right/,
  )
  await browser.send('name="password"', { do: 'back', password: alice.password })
  assert.match(says(browser), /The way back has begun/)
  await there.open('/account/move')
  assert.match(says(there), /on its way/)
})

test('a version that is not there yet is waited for, and shown to all who watch', async () => {
  const alice = await person('watched')
  const browser = await started(alice)
  const { text } = browser.seen!
  const [, live, version] = /data-live="([^"]+)" data-version="(\d+)"/.exec(text)!
  const next = browser.ask('GET', `${live}&after=${version}`)
  await browser.send('value="pause"', { do: 'pause' })
  assert.match(says(browser), /The move is paused/)
  const { body } = await next
  assert.match(body as string, /data-state="paused"/)
  await browser.send('value="resume"', { do: 'resume' })
  assert.match(says(browser), /on its way/)
  // Given up, nothing is left, and the browser is told so.
  const { at } = await browser.send('value="abandon"', { do: 'abandon' })
  assert.equal(at, `${HERE}?done=abandoned`)
  assert.match(says(browser), /nobody noticed/)
  assert.equal((await source.write(alice, 'still at home')).status, 200)
})

test('the other way round, a host is looked at before anybody goes there', async () => {
  const alice = await person('leaving')
  const browser = english(source)
  await browser.signIn(alice, '/account/sign-in?return=/account/move')
  assert.equal(
    (await browser.send('name="address"', { do: 'look', address: 'nowhere.test' })).status,
    400,
  )
  await browser.send('name="address"', { do: 'look', address: 'new.test' })
  assert.match(says(browser), /takes in who moves/)
  const [, link] = /href="(https:\/\/new\.test[^"]+)"/.exec(browser.seen!.text)!
  const there = english()
  await there.open(
    new URL(link!.replaceAll('&amp;', '&')).pathname +
      new URL(link!).search.replaceAll('&amp;', '&'),
  )
  assert.match(there.seen!.text, /value="leaving\.test"/)
})
