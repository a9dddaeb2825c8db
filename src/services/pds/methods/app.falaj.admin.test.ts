/** People who operate a host: their names and secrets, and the record of what they did. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Person, TestHost } from '../testing/host.test-support.ts'

let host: TestHost
let ann: Person
before(async () => {
  host = await TestHost.open()
  ann = await host.signUp('ann')
})
after(() => host.close())

const basic = (name: string, secret: string) => ({
  authorization: `Basic ${btoa(`${name}:${secret}`)}`,
})
const ADMIN = basic('admin', 'admin-pass')

const call = (verb: 'GET' | 'POST', nsid: string, given: object, headers = ADMIN, ip?: string) =>
  host.call(verb, nsid, { ...given, headers, ...(ip && { ip }) })
const add = (name: string, role: string, headers = ADMIN) =>
  call('POST', 'app.falaj.admin.addOperator', { input: { name, role } }, headers)
const audit = async (params: Record<string, unknown> = {}) =>
  (await call('GET', 'app.falaj.admin.listAudit', { params })).body

test('an operator’s secret is shown once, kept hashed, and opens what the role may', async () => {
  const { body } = await add('salim', 'moderator')
  assert.match(body.secret, /^[a-z2-7]{32}$/)
  const { body: listed } = await call('GET', 'app.falaj.admin.listOperators', {})
  assert.deepEqual(
    listed.operators.map(({ name, role, createdBy }: Record<string, string>) => [
      name,
      role,
      createdBy,
    ]),
    [['salim', 'moderator', 'admin']],
  )
  const rows = await host.sql.all('SELECT * FROM operators')
  assert.doesNotMatch(JSON.stringify([listed, rows, await audit()]), new RegExp(body.secret))
  const params = { did: ann.did }
  const seen = await call(
    'GET',
    'com.atproto.admin.getAccountInfo',
    { params },
    basic('salim', body.secret),
  )
  assert.equal(seen.status, 200)
})

test('names are plain, and each is given once, also after it was revoked', async () => {
  for (const name of ['admin', 'A b', 'a', 'x'.repeat(33), '9lives', '']) {
    assert.equal((await add(name, 'viewer')).body.error, 'InvalidRequest', name)
  }
  assert.equal((await add('huda', 'owner')).body.error, 'InvalidRequest')
  const { body } = await add('huda', 'support')
  assert.equal((await add('huda', 'admin')).body.error, 'OperatorExists')
  const revoke = () => call('POST', 'app.falaj.admin.revokeOperator', { input: { name: 'huda' } })
  assert.equal((await revoke()).status, 200)
  assert.equal((await revoke()).body.error, 'OperatorNotFound')
  const late = await call('GET', 'com.atproto.admin.getInviteCodes', {}, basic('huda', body.secret))
  assert.equal(late.status, 401)
  assert.equal((await add('huda', 'support')).body.error, 'OperatorExists')
})

test('a second admin makes operators in their own name', async () => {
  const { body: noor } = await add('noor', 'admin')
  assert.equal((await add('zayd', 'viewer', basic('noor', noor.secret))).status, 200)
  const { body } = await call('GET', 'app.falaj.admin.listOperators', {})
  const zayd = body.operators.find(({ name }: { name: string }) => name === 'zayd')
  assert.equal(zayd.createdBy, 'noor')
})

test('what operators do is on record: who, what, about whom, and how it ended', async () => {
  const { body: maha } = await add('maha', 'moderator')
  const as = basic('maha', maha.secret)
  const subject = { $type: 'com.atproto.admin.defs#repoRef', did: ann.did }
  const uri = `at://${ann.did}/app.bsky.feed.post/3kaaaaaaaaaaa`
  const acts: [string, object, number][] = [
    [
      'com.atproto.admin.updateSubjectStatus',
      { subject, takedown: { applied: true, ref: '7' } },
      200,
    ],
    ['com.atproto.admin.updateSubjectStatus', { subject, takedown: { applied: false } }, 200],
    [
      'com.atproto.admin.updateSubjectStatus',
      {
        subject: {
          $type: 'com.atproto.repo.strongRef',
          uri,
          cid: 'bafyreihqhqv7h4x5gc54fpnfs2dp6kvhnlpiqkh2s2vt2ql7pcyyk2xb4i',
        },
        takedown: { applied: true },
      },
      200,
    ],
    [
      'com.atproto.admin.disableAccountInvites',
      { account: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' },
      400,
    ],
    ['com.atproto.admin.deleteAccount', { did: ann.did }, 403],
  ]
  for (const [nsid, input, status] of acts) {
    assert.equal((await call('POST', nsid, { input }, as)).status, status, nsid)
  }
  const { entries } = await audit({ operator: 'maha' })
  assert.deepEqual(
    entries
      .toReversed()
      .map(({ method, subject, detail, outcome }: Record<string, string>) => [
        method!.split('.').at(-1),
        subject,
        detail,
        outcome,
      ]),
    [
      ['updateSubjectStatus', ann.did, '{"takedown":{"applied":true,"ref":"7"}}', 'ok'],
      ['updateSubjectStatus', ann.did, '{"takedown":{"applied":false}}', 'ok'],
      ['updateSubjectStatus', uri, '{"takedown":{"applied":true}}', 'ok'],
      ['disableAccountInvites', 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', undefined, 'NotFound'],
      ['deleteAccount', undefined, undefined, 'Forbidden'],
    ],
  )
  assert.ok(entries.every(({ role, at }: Record<string, string>) => role === 'moderator' && at))
  const about = await audit({ subject: ann.did })
  assert.equal(
    about.entries.filter(({ operator }: { operator: string }) => operator === 'maha').length,
    3,
  )
})

test('passwords, addresses and letters are not on record', async () => {
  const input = { did: ann.did, password: 'a very secret word' }
  await call('POST', 'com.atproto.admin.updateAccountPassword', { input })
  const email = 'very-secret@mail.example'
  await call('POST', 'com.atproto.admin.updateAccountEmail', { input: { account: ann.did, email } })
  const rows = await host.sql.all('SELECT * FROM audit')
  assert.doesNotMatch(JSON.stringify(rows), /very.secret/)
})

test('the record is read page by page, newest first', async () => {
  const all = (await audit({ limit: 500 })).entries.map(({ id }: { id: number }) => id)
  const first = await audit({ limit: 2 })
  const second = await audit({ limit: 2, cursor: first.cursor })
  const ids = [...first.entries, ...second.entries].map(({ id }) => id)
  assert.deepEqual(
    ids,
    ids.toSorted((a, b) => b - a),
  )
  assert.ok(ids[0] > all[0], 'looking at the record is on record too')
  assert.equal((await audit({ cursor: 'x' })).error, 'InvalidRequest')
})

test('an act that was under way when the host stopped is on record without an end', async () => {
  await host.sql.run(
    `INSERT INTO audit (at_ms, operator, role, method) VALUES (1, 'lost', 'admin', 'x.y.z')`,
  )
  const { entries } = await audit({ operator: 'lost' })
  assert.deepEqual(Object.keys(entries[0]).sort(), ['at', 'id', 'method', 'operator', 'role'])
})

test('who guesses is made to wait, and nobody else', async () => {
  const guess = (ip: string, password: string) =>
    call('GET', 'com.atproto.admin.getInviteCodes', {}, basic('admin', password), ip)
  for (let count = 0; count < 20; count++) assert.equal((await guess('6.6.6.6', 'x')).status, 401)
  const waits = await guess('6.6.6.6', 'admin-pass')
  assert.deepEqual([waits.status, waits.body.error], [429, 'RateLimitExceeded'])
  assert.ok(Number(waits.headers['retry-after']) > 0)
  assert.equal((await guess('7.7.7.7', 'admin-pass')).status, 200)
  host.outside.setNow(host.outside.now() + 60_001)
  assert.equal((await guess('6.6.6.6', 'admin-pass')).status, 200)
})
