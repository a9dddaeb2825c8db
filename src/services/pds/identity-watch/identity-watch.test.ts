/** Changes of identities that nobody made here: heard of, told, and undone. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { generateKey, type SigningKey } from '#protocol/crypto'
import {
  type PlcOperation,
  type PlcTombstone,
  plcDid,
  plcOperationCid,
  plcState,
  signPlcOperation,
  verifyPlcLog,
} from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { Browser, plainText } from '../pages/browser.test-support.ts'
import { FakePlc } from '../testing/fake-plc.test-support.ts'
import { type Person, TestHost } from '../testing/host.test-support.ts'

const HOUR_MS = 3_600_000
const hostKey = generateKey('k256')
const ownKey = generateKey('k256')
const thief = generateKey('k256')

let host: TestHost
let plc: FakePlc
let watching: { stop(): Promise<void> }

before(async () => {
  plc = new FakePlc()
  host = await TestHost.open({ plc, rotationKey: hostKey })
  watching = host.loop('watch-identities-plc.test')
  await host.until(() => plc.asked.some((one) => one.startsWith('STREAM')))
})
after(async () => {
  await watching.stop()
  await host.close()
})

/** An account with keys above the host's, most powerful first, and one below it. */
async function person(name: string, above: SigningKey[] = []): Promise<Person> {
  const made = await host.signUp(name)
  const last = plc.log(made.did).at(-1)!
  const rotationKeys = [...above, hostKey, thief].map((key) => key.publicKey.didKey)
  const next = { ...(last.operation as PlcOperation), rotationKeys, prev: last.cid }
  const operation = signPlcOperation(next, hostKey)
  await host.post('com.atproto.identity.submitPlcOperation', { operation }, made.accessJwt)
  assert.equal(plc.log(made.did).at(-1)!.cid, plcOperationCid(operation))
  return made
}

/** Changes an identity at the directory, past the host. */
function steal(did: Did, key = thief, change: Partial<PlcOperation> = {}): string {
  const last = plc.log(did).at(-1)!
  const services = {
    atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: 'https://thief.example' },
  }
  const next = { ...(last.operation as PlcOperation), services, ...change, prev: last.cid }
  const operation = signPlcOperation(next, key)
  plc.submit(did, operation)
  return plcOperationCid(operation)
}

/** The person with a session of now. */
async function signedIn(on: TestHost, person: Person): Promise<Person> {
  const { did: identifier, password } = person
  const { body } = await on.post('com.atproto.server.createSession', { identifier, password })
  return { ...person, ...body }
}

test('whosever identity changes, this host knows the new one when it is asked next', async () => {
  const keys = [ownKey.publicKey.didKey]
  const genesis = signPlcOperation(
    {
      type: 'plc_operation',
      rotationKeys: keys,
      verificationMethods: {},
      alsoKnownAs: [],
      services: {},
      prev: null,
    },
    ownKey,
  )
  const did = plcDid(genesis)
  plc.submit(did, genesis)
  const names = async () => {
    const { body } = await host.get('com.atproto.identity.resolveDid', { did })
    return (body.didDoc as { alsoKnownAs: string[] }).alsoKnownAs
  }
  assert.deepEqual(await names(), [])
  const alsoKnownAs = ['at://new.example']
  const next = { ...genesis, alsoKnownAs, prev: plcOperationCid(genesis) }
  plc.submit(did, signPlcOperation(next, ownKey))
  await host.until(async () => (await names()).length > 0)
  assert.deepEqual(await names(), alsoKnownAs)
})

const call = (method: string, input: object, { accessJwt }: Person) =>
  host.post(`app.falaj.identity.${method}`, input, accessJwt)
const alarms = async ({ accessJwt }: Person) => {
  const { status, body } = await host.get('app.falaj.identity.listAlarms', {}, accessJwt)
  assert.equal(status, 200, JSON.stringify(body))
  return body.alarms
}
const alarmed = (one: Person, count = 1) =>
  host.until(async () => (await alarms(one)).length >= count)
const lettersTo = async ({ did }: Person) =>
  (await host.admin('listLetters', { recipient: did, limit: 10 })).letters
const stateOf = ({ did }: Person) =>
  plcState(plc.log(did).findLast((entry) => !entry.nullified)!.operation)!

test('what owners do through their host alarms nobody: sign-up, handle, keys, signed operations', async () => {
  const quiet = await person('quiet')
  const { accessJwt } = quiet
  await host.post('com.atproto.identity.updateHandle', { handle: 'quieter.test' }, accessJwt)
  await host.post('com.atproto.identity.requestPlcOperationSignature', undefined, accessJwt)
  const token = await host.mailedCode(quiet)
  const signed = await host.post(
    'com.atproto.identity.signPlcOperation',
    { token, alsoKnownAs: ['at://quieter.test', 'https://elsewhere.example'] },
    accessJwt,
  )
  // Submitted by whoever: the owner had it signed here.
  plc.submit(quiet.did, signed.body.operation)
  const loud = await person('loud')
  steal(loud.did)
  await alarmed(loud) // and so the stream was heard up to here
  assert.deepEqual(await alarms(quiet), [])
})

describe('a change by somebody else', () => {
  test('is told by letter and by API: what changed, who signed it, how long it can be undone', async () => {
    const alice = await person('alice')
    plc.advance(HOUR_MS)
    const cid = steal(alice.did, thief, { rotationKeys: [thief.publicKey.didKey] })
    await alarmed(alice)
    const [alarm] = await alarms(alice)
    const createdMs = Date.parse(plc.log(alice.did).at(-1)!.createdAt)
    assert.deepEqual(
      [alarm.cid, alarm.state, alarm.undo, alarm.changes, alarm.signer, alarm.holder],
      [cid, 'open', 'host', ['host', 'rotationKeys'], thief.publicKey.didKey, 'unknown'],
    )
    assert.equal(Date.parse(alarm.undoUntil), createdMs + 72 * HOUR_MS)
    const [letter] = await lettersTo(alice)
    assert.match(letter.subject, /تغيّرت هوية حسابك · Your account’s identity was changed/)
    const { text } = await host.admin('getLetter', { id: letter.id })
    assert.ok(text.includes(alarm.undoUntil.slice(0, 16).replace('T', ' ')))
  })

  test('is undone by one call: the directory, the network and the alarm all say so', async () => {
    const bob = await person('bob')
    const before = stateOf(bob)
    const cid = steal(bob.did, thief, { rotationKeys: [thief.publicKey.didKey] })
    steal(bob.did, thief, { rotationKeys: [thief.publicKey.didKey], alsoKnownAs: ['at://x.test'] })
    await alarmed(bob, 2)
    const cursor = (await host.events()).at(-1)!.seq
    const { status, body } = await call('undoOperation', { cid }, bob)
    assert.deepEqual([status, body.state], [200, 'undone'])
    assert.deepEqual(stateOf(bob), before)
    const log = plc.log(bob.did)
    assert.deepEqual(
      log.map((entry) => entry.nullified),
      [false, false, true, true, false],
    )
    verifyPlcLog(bob.did, log)
    assert.deepEqual(
      (await alarms(bob)).map(({ state }: { state: string }) => state),
      ['undone', 'undone'],
    )
    assert.deepEqual(
      (await host.events(cursor)).map(({ type }) => type),
      ['#identity'],
    )
    assert.equal((await lettersTo(bob)).length, 1, 'one letter within an hour')
  })

  test('that ended the identity is undone as well', async () => {
    const carol = await person('carol')
    const last = plc.log(carol.did).at(-1)!
    const end = signPlcOperation({ type: 'plc_tombstone', prev: last.cid } as const, thief)
    plc.submit(carol.did, end as PlcTombstone)
    await alarmed(carol)
    assert.deepEqual((await alarms(carol))[0].changes, ['ended'])
    const { body } = await call('undoOperation', { cid: plcOperationCid(end) }, carol)
    assert.equal(body.state, 'undone')
    assert.equal(stateOf(carol).services.atproto_pds!.endpoint, host.url)
  })

  test('by a key above the host’s is for the owner’s own key: what to sign is handed over', async () => {
    const middle = generateKey('p256')
    const dave = await person('dave', [ownKey, middle])
    const before = stateOf(dave)
    const cid = steal(dave.did, middle, { rotationKeys: [middle.publicKey.didKey] })
    await alarmed(dave)
    assert.equal((await alarms(dave))[0].undo, 'ownKey')
    const { body } = await call('undoOperation', { cid }, dave)
    assert.deepEqual([body.state, body.keys], ['needsOwnKey', [ownKey.publicKey.didKey]])
    const bySomebody = signPlcOperation(body.operation as PlcOperation, middle).sig
    const refused = await call('undoOperation', { cid, sig: bySomebody }, dave)
    assert.deepEqual([refused.status, refused.body.error], [400, 'InvalidSignature'])
    const other = { ...(body.operation as PlcOperation), alsoKnownAs: ['at://dave.example'] }
    const ofAnother = await call(
      'undoOperation',
      { cid, sig: signPlcOperation(other, ownKey).sig },
      dave,
    )
    assert.equal(ofAnother.body.error, 'InvalidSignature')
    const { sig } = signPlcOperation(body.operation as PlcOperation, ownKey)
    const done = await call('undoOperation', { cid, sig }, dave)
    assert.equal(done.body.state, 'undone')
    assert.deepEqual(stateOf(dave), before)
    verifyPlcLog(dave.did, plc.log(dave.did))
    assert.deepEqual(
      (await alarms(dave)).map(({ state }: { state: string }) => state),
      ['undone'],
      'and what went through this host alarms nobody',
    )
  })

  test('by the highest key cannot be taken back, but the host says the old state anew where it still may', async () => {
    const eve = await person('eve', [ownKey])
    const before = stateOf(eve)
    const gone = steal(eve.did, ownKey, { rotationKeys: [ownKey.publicKey.didKey] })
    await alarmed(eve)
    assert.equal((await alarms(eve))[0].undo, 'none')
    const refused = await call('undoOperation', { cid: gone }, eve)
    assert.deepEqual([refused.status, refused.body.error], [400, 'CannotUndo'])

    const frank = await person('frank', [ownKey])
    const cid = steal(frank.did, ownKey)
    await alarmed(frank)
    const { body } = await call('undoOperation', { cid }, frank)
    assert.equal(body.state, 'undone')
    assert.deepEqual(stateOf(frank), { ...before, ...stateOf(frank), services: before.services })
    assert.ok(plc.log(frank.did).every((entry) => !entry.nullified))
  })

  test('after 72 hours the host cannot take it back', async () => {
    const grace = await person('grace')
    const cid = steal(grace.did, thief, { rotationKeys: [thief.publicKey.didKey] })
    await alarmed(grace)
    const nowMs = host.outside.now()
    host.outside.setNow(Date.parse(plc.log(grace.did).at(-1)!.createdAt) + 72 * HOUR_MS + 1)
    const { body, status } = await call('undoOperation', { cid }, await signedIn(host, grace))
    assert.deepEqual([status, body.error], [400, 'CannotUndo'])
    assert.match(body.message, /72 hours/)
    host.outside.setNow(nowMs)
  })

  test('that the owner says was theirs is quiet from then on', async () => {
    const heidi = await person('heidi')
    const cid = steal(heidi.did, thief, { alsoKnownAs: ['at://heidi.test', 'https://me.example'] })
    await alarmed(heidi)
    assert.equal((await call('acknowledgeAlarm', { cid }, heidi)).status, 200)
    assert.equal((await alarms(heidi))[0].state, 'acknowledged')
    const other = await call('acknowledgeAlarm', { cid: 'bafyreiaaa' }, heidi)
    assert.equal(other.body.error, 'AlarmNotFound')
    const alice = await person('mallory')
    assert.equal((await call('acknowledgeAlarm', { cid }, alice)).body.error, 'AlarmNotFound')
    assert.equal((await call('undoOperation', { cid }, alice)).body.error, 'AlarmNotFound')
  })

  test('shows while the directory is away what is known here, and says that it cannot be undone just now', async () => {
    const ivan = await person('ivan')
    const cid = steal(ivan.did)
    await alarmed(ivan)
    plc.mood = 'down'
    const [alarm] = await alarms(ivan)
    assert.deepEqual([alarm.cid, alarm.undo], [cid, 'unknown'])
    assert.equal((await call('undoOperation', { cid }, ivan)).status, 502)
    plc.mood = 'well'
    assert.equal((await alarms(ivan))[0].undo, 'host')
  })
})

test('identities of nobody here, and accounts that are not up, alarm nobody', async () => {
  const judy = await person('judy')
  await host.post('com.atproto.server.deactivateAccount', {}, judy.accessJwt)
  steal(judy.did)
  const stranger = signPlcOperation(
    {
      type: 'plc_operation',
      rotationKeys: [thief.publicKey.didKey],
      verificationMethods: {},
      alsoKnownAs: [],
      services: {},
      prev: null,
    } as const,
    thief,
  )
  plc.submit(plcDid(stranger), stranger)
  const after = await person('kevin')
  steal(after.did)
  await alarmed(after)
  assert.deepEqual(await alarms(judy), [])
})

describe('at the account’s pages', () => {
  for (const [language, alarm, undo, done] of [
    [
      'en',
      /Somebody changed your account’s identity/,
      /It was not me: undo it/,
      /as it stood before/,
    ],
    ['ar', /غيّر أحدهم هوية حسابك/, /لم أفعل هذا: أعد ما كان/, /عاد كل شيء كما كان/],
  ] as const)
    test(`an alarm is told at once, and undone by one button (${language})`, async () => {
      const owner = await person(`paged-${language}`)
      const before = stateOf(owner)
      const browser = new Browser(host, { 'accept-language': language })
      await browser.signIn(owner)
      assert.doesNotMatch((await browser.open('/account')).text, alarm)
      const cid = steal(owner.did)
      await alarmed(owner)
      assert.match((await browser.open('/account')).text, alarm)
      assert.match((await browser.open('/account/identity-alarms')).text, undo)
      const answer = await browser.send('name="undo"', { undo: cid })
      assert.match(answer.text, done)
      assert.deepEqual(stateOf(owner), before)
      assert.doesNotMatch((await browser.open('/account')).text, alarm)
    })

  test('what only the owner’s own key can undo is given to be signed, and its signature is taken', async () => {
    const middle = generateKey('p256')
    const owner = await person('paged-own', [ownKey, middle])
    const before = stateOf(owner)
    const browser = new Browser(host, { 'accept-language': 'en' })
    await browser.signIn(owner)
    const cid = steal(owner.did, middle, { rotationKeys: [middle.publicKey.didKey] })
    await alarmed(owner)
    await browser.open('/account/identity-alarms')
    const page = await browser.send('name="undo"', { undo: cid })
    const shown = plainText(page.text)
    assert.ok(shown.includes(ownKey.publicKey.didKey))
    const [sheet] = /<textarea[^>]*id="sheet"[^>]*>/.exec(page.text)!
    assert.doesNotMatch(sheet, /\bname=/, 'no form can send the words')
    const operation = JSON.parse(/\{ "type": "plc_operation".*?"prev": "\w+" \}/.exec(shown)![0])
    const unsigned = await browser.send('id="own-undo"', { sig: 'x'.repeat(86) })
    assert.equal(unsigned.status, 400)
    assert.match(plainText(unsigned.text), /No key that ranks above signed it/)
    assert.notDeepEqual(stateOf(owner), before)
    await browser.send('name="undo"', { undo: cid })
    const { sig } = signPlcOperation(operation as PlcOperation, ownKey)
    const done = await browser.send('id="own-undo"', { sig })
    assert.match(done.text, /as it stood before/)
    assert.deepEqual(stateOf(owner), before)
  })

  test('what the owner says was theirs is acknowledged', async () => {
    const owner = await person('paged-mine')
    const browser = new Browser(host, { 'accept-language': 'en' })
    await browser.signIn(owner)
    const cid = steal(owner.did)
    await alarmed(owner)
    await browser.open('/account/identity-alarms')
    const mine = await browser.send('name="mine"', { mine: cid })
    assert.match(mine.text, /you said it was you/)
  })
})

describe('a host that was away', () => {
  let own: FakePlc
  let one: TestHost
  afterEach(() => one.close())

  const open = async (): Promise<Person> => {
    own = new FakePlc()
    one = await TestHost.open({ plc: own, rotationKey: hostKey })
    const alice = await one.signUp('alice')
    return alice
  }
  const take = (did: Did, name: string) => {
    const last = own.log(did).at(-1)!
    const next = {
      ...(last.operation as PlcOperation),
      alsoKnownAs: [`at://${name}`],
      prev: last.cid,
    }
    own.submit(did, signPlcOperation(next, hostKey))
    return own.log(did).at(-1)!.cid
  }
  const found = async (person: Person) =>
    (
      await one.get('app.falaj.identity.listAlarms', {}, (await signedIn(one, person)).accessJwt)
    ).body.alarms.map(({ cid }: { cid: string }) => cid)

  test('hears by the stream what happened meanwhile, once', async () => {
    const alice = await open()
    let loop = one.loop('watch-identities-plc.test')
    await one.until(() => own.asked.includes('STREAM /export/stream'))
    const first = take(alice.did, 'first.test')
    await one.until(async () => (await found(alice)).length === 1)
    await loop.stop()
    one = await one.restart()
    const second = take(alice.did, 'second.test')
    loop = one.loop('watch-identities-plc.test')
    await one.until(async () => (await found(alice)).length === 2)
    assert.deepEqual(
      own.asked.filter((asked) => asked.startsWith('STREAM')),
      ['STREAM /export/stream', 'STREAM /export/stream?cursor=3'],
    )
    assert.deepEqual(await found(alice), [second, first])
    await loop.stop()
  })

  test('finds by looking what a stream left out, or where there is none', async () => {
    const alice = await open()
    own.streams = false
    const looking = one.loop('look-through-identities')
    const passes = (ms: number) => one.outside.advance(ms)
    const looks = () => own.asked.filter((asked) => asked.endsWith('/log/audit')).length
    await passes(10 * 60_000)
    await one.until(() => looks() === 1)
    assert.deepEqual(await found(alice), [], 'what was there before is nobody’s doing')
    const cid = take(alice.did, 'taken.test')
    await passes(25 * HOUR_MS)
    await one.until(async () => (await found(alice)).length === 1)
    assert.deepEqual(await found(alice), [cid])
    await looking.stop()
  })

  test('goes on from now where the directory will not begin at its place', async () => {
    const alice = await open()
    await one.sql.run('INSERT INTO watched_directories (url, cursor) VALUES (?, 900)', [
      'http://plc.test',
    ])
    const loop = one.loop('watch-identities-plc.test')
    await one.until(() => own.asked.includes('STREAM /export/stream?cursor=900'))
    await one.until(async () => {
      await one.outside.advance(1_000)
      return own.asked.includes('STREAM /export/stream')
    })
    const cid = take(alice.did, 'taken.test')
    await one.until(async () => (await found(alice)).length === 1)
    assert.deepEqual(await found(alice), [cid])
    await loop.stop()
  })
})
