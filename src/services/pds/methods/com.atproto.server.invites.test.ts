/** Invite codes: whose they are, what they are good for, how they are earned; and names to be had. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Person, TestHost } from '../testing/host.test-support.ts'

const DAY_MS = 86_400_000
const ADMIN = { authorization: `Basic ${btoa('admin:admin-pass')}` }

let host: TestHost
let ann: Person
before(async () => {
  host = await TestHost.open({ config: { inviteRequired: true, inviteIntervalMs: DAY_MS } })
  ann = await host.signUp('ann', { inviteCode: await operatorCode() })
})
after(() => host.close())

const make = (method: string, input: unknown) =>
  host.call('POST', `com.atproto.server.${method}`, { input, headers: ADMIN })

async function operatorCode(useCount = 1, forAccount?: string): Promise<string> {
  const { body } = await make('createInviteCode', { useCount, forAccount })
  return body.code
}

const join = (name: string, inviteCode?: string) =>
  host.post('com.atproto.server.createAccount', {
    handle: `${name}.test`,
    password: `password of ${name}`,
    inviteCode,
  })
const mine = async (person: Person, params: Record<string, unknown> = {}) => {
  const { body } = await host.get(
    'com.atproto.server.getAccountInviteCodes',
    params,
    person.accessJwt,
  )
  return body.codes as { code: string; uses: { usedBy: string }[]; available: number }[]
}

test('a code begins with the name of the host, and is no link', async () => {
  assert.match(await operatorCode(), /^pds-test-[a-z2-7]{5}-[a-z2-7]{5}$/)
})

test('a code is good for as many sign-ups as it was made for', async () => {
  const code = await operatorCode(2)
  const answers = await Promise.all(['use1', 'use2', 'use3'].map((name) => join(name, code)))
  const errors = answers.map(({ body }) => body.error).filter(Boolean)
  assert.deepEqual(errors, ['InvalidInviteCode'])
})

test('without a code, or with none of ours, nobody signs up', async () => {
  for (const code of [undefined, '', 'pds-test-aaaaa-bbbbb', "' OR 1=1 --"]) {
    assert.equal((await join('nobody1', code)).body.error, 'InvalidInviteCode')
  }
})

test('a sign-up that the directory refuses gives its code back', async () => {
  const code = await operatorCode()
  host.plc.mood = 'refuses'
  assert.notEqual((await join('lotte', code)).status, 200)
  host.plc.mood = 'well'
  assert.equal((await join('lotte', code)).status, 200)
  assert.equal((await join('lena', code)).body.error, 'InvalidInviteCode')
})

test('codes are made for many accounts at once, within limits', async () => {
  const { body } = await make('createInviteCodes', {
    codeCount: 2,
    useCount: 1,
    forAccounts: [ann.did, 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'],
  })
  assert.deepEqual(
    body.codes.map((one: { account: string; codes: string[] }) => [one.account, one.codes.length]),
    [
      [ann.did, 2],
      ['did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', 2],
    ],
  )
  const own = await make('createInviteCodes', { codeCount: 1, useCount: 1 })
  assert.equal(own.body.codes[0].account, 'admin')
  const given = (await mine(ann)).map(({ code }) => code)
  assert.deepEqual(given.sort(), body.codes[0].codes.sort())
  for (const input of [
    { codeCount: 0, useCount: 1 },
    { codeCount: 1, useCount: 0 },
    { codeCount: 100_000, useCount: 1 },
    { codeCount: 1, useCount: 1e9 },
  ]) {
    assert.equal((await make('createInviteCodes', input)).body.error, 'InvalidRequest')
  }
})

test('an account earns a code a day, five open ones at most, and sees who used them', async () => {
  const ben = (await join('ben', await operatorCode())).body
  assert.deepEqual(await mine(ben), [])
  const start = host.outside.now()
  const at = async (days: number) => {
    host.outside.setNow(start + days * DAY_MS + 1)
    const { body } = await host.post('com.atproto.server.createSession', {
      identifier: 'ben.test',
      password: 'password of ben',
    })
    return body as Person
  }
  const later = await at(2)
  assert.equal((await mine(later, { createAvailable: false })).length, 0)
  const twice = await Promise.all([mine(later), mine(later)])
  assert.deepEqual(
    twice.map((codes) => codes.length),
    [2, 2],
  )
  const code = twice[0]![0]!.code
  const carl = (await join('carl', code)).body
  const shown = await mine(later)
  assert.deepEqual(
    shown.find((one) => one.code === code)!.uses.map(({ usedBy }) => usedBy),
    [carl.did],
  )
  assert.equal((await mine(later, { includeUsed: false })).length, 1)
  assert.equal((await mine(await at(30))).filter(({ uses }) => uses.length === 0).length, 5)
  host.outside.setNow(start)
})

test('time before the epoch earns nothing', async () => {
  const now = host.outside.now()
  const own = await TestHost.open({
    config: { inviteRequired: true, inviteIntervalMs: DAY_MS, inviteEpochMs: now + 10 * DAY_MS },
  })
  const { body } = await own.call('POST', 'com.atproto.server.createInviteCode', {
    input: { useCount: 1 },
    headers: ADMIN,
  })
  await own.signUp('dan', { inviteCode: body.code })
  const codesAfter = async (days: number) => {
    own.outside.setNow(now + days * DAY_MS + 1)
    const { body } = await own.post('com.atproto.server.createSession', {
      identifier: 'dan.test',
      password: 'password of dan',
    })
    const nsid = 'com.atproto.server.getAccountInviteCodes'
    return (await own.get(nsid, {}, body.accessJwt)).body.codes.length
  }
  assert.equal(await codesAfter(9), 0)
  assert.equal(await codesAfter(12), 2)
  await own.close()
})

test('names are free, taken or kept back, and others like them are offered', async () => {
  const check = async (params: Record<string, unknown>) =>
    (await host.get('com.atproto.temp.checkHandleAvailability', params)).body
  const free = await check({ handle: 'brand-new.test' })
  assert.match(free.result.$type, /#resultAvailable$/)
  const taken = await check({ handle: 'ann.test', email: 'ann.smith@mail.example' })
  assert.match(taken.result.$type, /#resultUnavailable$/)
  const offered = taken.result.suggestions.map(({ handle }: { handle: string }) => handle)
  assert.equal(offered.length, 5)
  assert.ok(offered.includes('ann-smith.test'), offered.join())
  assert.ok(!offered.includes('ann.test'))
  for (const { handle } of taken.result.suggestions) {
    assert.match((await check({ handle })).result.$type, /#resultAvailable$/)
  }
  for (const handle of ['admin.test', 'ab.test', 'a.b.test', 'free.example']) {
    assert.match((await check({ handle })).result.$type, /#resultUnavailable$/, handle)
  }
  assert.equal((await check({ handle: 'x.test', email: 'nonsense' })).error, 'InvalidEmail')
})

test('nobody waits in a queue here', async () => {
  const { body } = await host.get('com.atproto.temp.checkSignupQueue', {}, ann.accessJwt)
  assert.deepEqual(body, { activated: true })
})
