/** Suspension: a pause that the operator makes, and that may end by itself. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { type Person, TestHost } from '../testing/host.test-support.ts'

const ADMIN = { authorization: `Basic ${btoa('admin:admin-pass')}` }
const HOUR_MS = 3_600_000
const DEACTIVATE = 'com.atproto.server.deactivateAccount'

let host: TestHost
let ann: Person
let count = 0

before(async () => {
  host = await TestHost.open()
})
beforeEach(async () => {
  ann = await host.signUp(`ann${++count}`)
})
after(() => host.close())

const operate = (method: string, input: object) =>
  host.call('POST', `app.falaj.admin.${method}`, { input, headers: ADMIN })
const suspend = (extra: object = {}) => operate('suspendAccount', { did: ann.did, ...extra })
const end = () => operate('endSuspension', { did: ann.did })
const listed = async () =>
  (await host.admin('listSuspensions', { did: ann.did })).suspensions as object[]
const takedown = (applied: boolean) =>
  host.call('POST', 'com.atproto.admin.updateSubjectStatus', {
    input: {
      subject: { $type: 'com.atproto.admin.defs#repoRef', did: ann.did },
      takedown: { applied },
    },
    headers: ADMIN,
  })
const standing = async () =>
  (await host.get('com.atproto.sync.getRepoStatus', { did: ann.did })).body
/** What the network was told of her: kinds of events, and how her account stands. */
const told = async () =>
  (await host.events())
    .filter(({ did }) => did === ann.did)
    .map(({ type, body }) => (type === '#account' ? (body.status ?? 'active') : type))
const inHours = (hours: number) => new Date(host.outside.now() + hours * HOUR_MS).toISOString()

test('a suspended account says so, lets nobody read, and its owner not write', async () => {
  assert.equal((await suspend({ ref: 'spam' })).status, 200)
  const status = await standing()
  assert.deepEqual([status.active, status.status], [false, 'suspended'])
  const { repos } = (await host.get('com.atproto.sync.listRepos', { limit: 500 })).body
  assert.equal(repos.find(({ did }: Person) => did === ann.did).status, 'suspended')
  for (const [method, params] of [
    ['com.atproto.repo.describeRepo', { repo: ann.did }],
    ['com.atproto.sync.getRepo', { did: ann.did }],
    ['com.atproto.sync.getLatestCommit', { did: ann.did }],
    ['com.atproto.sync.listBlobs', { did: ann.did }],
  ] as const) {
    const { status, body } = await host.get(method, params)
    assert.deepEqual(
      [status, JSON.parse(JSON.stringify(body)).error],
      [400, 'RepoSuspended'],
      method,
    )
  }
  const write = await host.write(ann, 'still here?')
  assert.deepEqual([write.status, write.body.error], [401, 'AccountTakedown'])
  assert.match(write.body.message, /suspended/)
  assert.deepEqual(await listed(), [
    { did: ann.did, since: new Date(host.outside.now()).toISOString(), ref: 'spam' },
  ])
})

test('its owner signs in only to fetch what is there and leave, and not by an app password', async () => {
  const { body: app } = await host.post(
    'com.atproto.server.createAppPassword',
    { name: 'app' },
    ann.accessJwt,
  )
  await suspend()
  const signIn = (password: string, extra: object = {}) =>
    host.post('com.atproto.server.createSession', { identifier: ann.did, password, ...extra })
  for (const refused of [
    await signIn(ann.password),
    await signIn(app.password, { allowTakendown: true }),
    await host.post('com.atproto.server.refreshSession', undefined, ann.refreshJwt),
  ]) {
    assert.deepEqual([refused.status, refused.body.error], [401, 'AccountTakedown'])
  }
  const { body: session } = await signIn(ann.password, { allowTakendown: true })
  assert.equal(session.status, 'suspended')
  const repo = await host.get('com.atproto.sync.getRepo', { did: ann.did }, session.accessJwt)
  assert.equal(repo.status, 200)
  const wrote = await host.write({ ...ann, accessJwt: session.accessJwt }, 'out of it')
  assert.equal(wrote.status, 400)
})

test('ended, it is announced, followed by an empty commit, and goes on as before', async () => {
  await host.write(ann, 'before')
  await suspend()
  await end()
  assert.deepEqual(await told(), [
    '#identity',
    'active',
    '#commit',
    '#commit',
    'suspended',
    'active',
    '#commit',
  ])
  assert.equal((await host.events()).at(-1)!.commit!.ops.length, 0)
  assert.equal((await host.write(ann, 'after')).status, 200)
  await host.assertChain(ann)
  const refreshed = await host.post('com.atproto.server.refreshSession', undefined, ann.refreshJwt)
  assert.equal(refreshed.status, 200, 'she stayed signed in')
  assert.deepEqual((await end()).body.error, 'NotFound')
})

test('it ends by itself at its time, also after a restart, and not before', async () => {
  assert.equal((await suspend({ until: inHours(24) })).status, 200)
  await suspend({ until: inHours(48), ref: 'longer' })
  host = await host.restart()
  let jobs = host.loop('jobs')
  await host.outside.advance(25 * HOUR_MS)
  await jobs.stop()
  assert.equal((await standing()).status, 'suspended')
  jobs = host.loop('jobs')
  await host.outside.advance(24 * HOUR_MS)
  await host.until(async () => (await standing()).active)
  await jobs.stop()
  assert.deepEqual(await listed(), [])
})

test('a takedown goes over it, and uncovers it again', async () => {
  await suspend()
  await takedown(true)
  assert.equal((await suspend()).body.error, 'InvalidRequest')
  assert.equal((await standing()).status, 'takendown')
  await takedown(false)
  assert.equal((await standing()).status, 'suspended')
  await end()
  assert.deepEqual((await told()).slice(3), [
    'suspended',
    'takendown',
    'suspended',
    'active',
    '#commit',
  ])
})

test('ended under a takedown, it is not there when that is lifted', async () => {
  await suspend()
  await takedown(true)
  assert.equal((await end()).status, 200)
  assert.equal((await standing()).status, 'takendown')
  await takedown(false)
  assert.equal((await standing()).active, true)
})

test('who deactivates meanwhile is deactivated when it ends, whatever lies over it', async () => {
  await suspend()
  const { body: session } = await host.post('com.atproto.server.createSession', {
    identifier: ann.did,
    password: ann.password,
    allowTakendown: true,
  })
  await takedown(true)
  assert.equal((await host.post(DEACTIVATE, {}, session.accessJwt)).status, 200)
  await takedown(false)
  assert.equal((await standing()).status, 'suspended')
  await end()
  assert.equal((await standing()).status, 'deactivated')
})

test('the operator can deactivate a suspended account, and not activate it past the suspension', async () => {
  await suspend()
  const set = (applied: boolean) =>
    host.call('POST', 'com.atproto.admin.updateSubjectStatus', {
      input: {
        subject: { $type: 'com.atproto.admin.defs#repoRef', did: ann.did },
        deactivated: { applied },
      },
      headers: ADMIN,
    })
  assert.match((await set(false)).body.message, /suspended/)
  assert.equal((await set(true)).status, 200)
  assert.equal((await standing()).status, 'suspended')
  await end()
  assert.equal((await standing()).status, 'deactivated')
})

test('bad ends and unknown accounts are refused', async () => {
  for (const until of [inHours(-1), inHours(24 * 366 * 11)]) {
    assert.equal((await suspend({ until })).body.error, 'InvalidRequest')
  }
  const nobody = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
  assert.equal((await operate('suspendAccount', { did: nobody })).body.error, 'NotFound')
  assert.equal((await standing()).active, true)
})

test('suspending is recorded with whom and until when, and listed page by page', async () => {
  const until = inHours(1)
  await suspend({ until })
  const { entries } = await host.admin('listAudit', { subject: ann.did })
  assert.deepEqual(
    [entries[0].method, JSON.parse(entries[0].detail).until],
    ['app.falaj.admin.suspendAccount', until],
  )
  const all = (await host.admin('listSuspensions', {})).suspensions.map(({ did }: Person) => did)
  const paged: string[] = []
  let cursor: string | undefined
  do {
    const page = await host.admin('listSuspensions', { limit: 1, cursor })
    paged.push(...page.suspensions.map(({ did }: Person) => did))
    cursor = page.cursor
  } while (cursor)
  assert.deepEqual(paged, all)
})
