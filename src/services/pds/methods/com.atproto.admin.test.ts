import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { type Person, TestHost } from '../testing/host.test-support.ts'

let host: TestHost
let ann: Person
beforeEach(async () => {
  host = await TestHost.open()
  ann = await host.signUp('ann')
})
afterEach(() => host.close())

const ADMIN = { authorization: `Basic ${btoa('admin:admin-pass')}` }
const account = (did: string) => ({ $type: 'com.atproto.admin.defs#repoRef', did })
const record = ({ uri, cid }: { uri: string; cid: string }) => ({
  $type: 'com.atproto.repo.strongRef',
  uri,
  cid,
})

const update = (subject: object, applied: boolean, headers: Record<string, string> = ADMIN) =>
  host.call('POST', 'com.atproto.admin.updateSubjectStatus', {
    input: { subject, takedown: { applied, ref: '7' } },
    headers,
  })
const status = (params: Record<string, string>) =>
  host.call('GET', 'com.atproto.admin.getSubjectStatus', { params, headers: ADMIN })
const accountEvents = async () =>
  (await host.events()).filter(({ type }) => type === '#account').map(({ body }) => body.status)

test('only the operator takes down and asks', async () => {
  const strangers: Record<string, string>[] = [
    {},
    { authorization: `Basic ${btoa('admin:guess')}` },
  ]
  for (const headers of strangers)
    assert.equal((await update(account(ann.did), true, headers)).status, 401)
  const asked = await host.get('com.atproto.admin.getSubjectStatus', { did: ann.did })
  assert.equal(asked.status, 401)
})

test('an account that is taken down says so, lets nobody in or read, and comes back', async () => {
  assert.equal((await update(account(ann.did), true)).status, 200)
  assert.equal((await update(account(ann.did), true)).status, 200)
  const repo = await host.get('com.atproto.sync.getRepoStatus', { did: ann.did })
  assert.deepEqual([repo.body.active, repo.body.status], [false, 'takendown'])
  assert.equal((await host.write(ann, 'still here?')).body.error, 'AccountTakedown')
  const read = await host.get('com.atproto.repo.describeRepo', { repo: ann.did })
  assert.equal(read.body.error, 'RepoTakendown')
  const asked = (await status({ did: ann.did })).body
  assert.deepEqual(asked.takedown, { applied: true, ref: '7' })

  host = await host.restart()
  assert.equal((await status({ did: ann.did })).body.takedown.applied, true)
  assert.equal((await update(account(ann.did), false)).status, 200)
  assert.equal((await update(account(ann.did), false)).status, 200)
  assert.equal((await status({ did: ann.did })).body.takedown.applied, false)
  const again = { identifier: ann.did, password: ann.password }
  Object.assign(ann, (await host.post('com.atproto.server.createSession', again)).body)
  assert.equal((await host.write(ann, 'back')).status, 200)
  assert.deepEqual(await accountEvents(), [undefined, 'takendown', undefined])
})

test('an account that was deactivated comes back deactivated', async () => {
  await host.post('com.atproto.server.deactivateAccount', {}, ann.accessJwt)
  await update(account(ann.did), true)
  await update(account(ann.did), false)
  const repo = await host.get('com.atproto.sync.getRepoStatus', { did: ann.did })
  assert.equal(repo.body.status, 'deactivated')
  assert.deepEqual(await accountEvents(), [undefined, 'deactivated', 'takendown', 'deactivated'])
})

test('a takedown that a crash cut short never was, and leaves nothing to come back to', async () => {
  await host.sql.run(
    `INSERT INTO takedowns (subject, ref, previous_status, created_ms) VALUES (?, '3', 'active', 0)`,
    [ann.did],
  )
  host = await host.restart()
  assert.deepEqual((await status({ did: ann.did })).body.takedown, { applied: false })
  assert.equal((await host.write(ann, 'here')).status, 200)
  await host.post('com.atproto.server.deactivateAccount', {}, ann.accessJwt)
  await update(account(ann.did), true)
  assert.deepEqual((await status({ did: ann.did })).body.takedown, { applied: true, ref: '7' })
  await update(account(ann.did), false)
  const repo = await host.get('com.atproto.sync.getRepoStatus', { did: ann.did })
  assert.equal(repo.body.status, 'deactivated')
})

test('its owner may still fetch what is there, and leave; and is signed out when it comes back', async () => {
  await update(account(ann.did), true)
  const signIn = (extra: object) =>
    host.post('com.atproto.server.createSession', {
      identifier: ann.did,
      password: ann.password,
      ...extra,
    })
  assert.equal((await signIn({})).body.error, 'AccountTakedown')
  const { body: session } = await signIn({ allowTakendown: true })
  assert.equal(session.status, 'takendown')
  const token = session.accessJwt
  const service = (lxm?: string) =>
    host.get('com.atproto.server.getServiceAuth', { aud: 'did:web:b.test', lxm }, token)
  assert.equal((await service('com.atproto.server.createAccount')).status, 200)
  assert.equal((await service('app.bsky.feed.getTimeline')).body.error, 'InvalidToken')
  assert.equal((await service()).body.error, 'InvalidToken')
  const repo = await host.get('com.atproto.sync.getRepo', { did: ann.did }, token)
  assert.equal(repo.status, 200)
  assert.equal((await host.get('com.atproto.server.getSession', {}, token)).status, 400)
  await host.post('com.atproto.server.deactivateAccount', {}, token)
  await update(account(ann.did), false)
  const { body } = await host.get('com.atproto.sync.getRepoStatus', { did: ann.did })
  assert.equal(body.status, 'deactivated')
  for (const refreshJwt of [ann.refreshJwt, session.refreshJwt]) {
    const again = await host.post('com.atproto.server.refreshSession', undefined, refreshJwt)
    assert.equal(again.body.error, 'ExpiredToken')
  }
})

test('an app password does not open an account that was taken down', async () => {
  const { body: made } = await host.post(
    'com.atproto.server.createAppPassword',
    { name: 'app', privileged: true },
    ann.accessJwt,
  )
  await update(account(ann.did), true)
  const { body } = await host.post('com.atproto.server.createSession', {
    identifier: ann.did,
    password: made.password,
    allowTakendown: true,
  })
  assert.equal(body.error, 'AccountTakedown')
})

test('the operator deactivates and activates an account whose identity is here', async () => {
  const set = (input: object) =>
    host.call('POST', 'com.atproto.admin.updateSubjectStatus', {
      input: { subject: account(ann.did), ...input },
      headers: ADMIN,
    })
  assert.equal((await set({ deactivated: { applied: true } })).status, 200)
  assert.equal((await status({ did: ann.did })).body.deactivated.applied, true)
  const both = { takedown: { applied: true }, deactivated: { applied: false } }
  assert.equal((await set(both)).body.error, 'InvalidRequest')
  assert.equal((await set({ deactivated: { applied: false } })).status, 200)
  assert.equal((await set({})).status, 200)
  assert.deepEqual(await accountEvents(), [undefined, 'deactivated', undefined, undefined])
  const own = host.plc.log(ann.did).at(-1)!.operation as { rotationKeys: string[] }
  const before = own.rotationKeys
  await set({ deactivated: { applied: true } })
  own.rotationKeys = [host.forgedKey.publicKey.didKey]
  const refused = await set({ deactivated: { applied: false } })
  assert.match(refused.body.message, /rotation key/)
  own.rotationKeys = before
})

test('a record that is taken down is not read or listed, and comes back', async () => {
  const { body: post } = await host.write(ann, 'one')
  await host.write(ann, 'two')
  const rkey = post.uri.split('/').at(-1)
  const read = () =>
    host.get('com.atproto.repo.getRecord', {
      repo: ann.did,
      collection: 'app.bsky.feed.post',
      rkey,
    })
  assert.equal((await update(record(post), true)).status, 200)
  assert.equal((await read()).body.error, 'RecordNotFound')
  assert.deepEqual(await host.listTexts(ann), ['two'])
  host = await host.restart()
  assert.equal((await read()).body.error, 'RecordNotFound')
  const asked = (await status({ uri: post.uri })).body
  assert.equal(asked.subject.cid, post.cid)
  assert.equal(asked.takedown.applied, true)
  await update(record(post), false)
  assert.equal((await read()).body.value.text, 'one')
  assert.deepEqual(await host.listTexts(ann), ['two', 'one'])
})

test('a blob that is taken down is not handed out', async () => {
  const blob = await host.upload(ann, 'picture')
  const embed = { $type: 'app.bsky.embed.images', images: [{ alt: '', image: blob }] }
  const record = { $type: 'app.bsky.feed.post', text: '', createdAt: '2026-01-01T00:00:00Z', embed }
  await host.write(ann, 'with a picture', { record })
  const cid = blob.ref.$link
  const get = () => host.get('com.atproto.sync.getBlob', { did: ann.did, cid })
  assert.equal((await get()).status, 200)
  const subject = { $type: 'com.atproto.admin.defs#repoBlobRef', did: ann.did, cid }
  await update(subject, true)
  assert.equal((await get()).body.error, 'BlobNotFound')
  assert.equal((await status({ did: ann.did, blob: cid })).body.takedown.applied, true)
  await update(subject, false)
  assert.equal((await get()).status, 200)
})

test('what is not here, or not a subject, is refused by name', async () => {
  const rows: [object, string][] = [
    [account('did:plc:nobody'), 'NotFound'],
    [
      record({
        uri: `at://${ann.did}`,
        cid: 'bafyreihqhqv7h4x5gc54fpnfs2dp6kvhnlpiqkh2s2vt2ql7pcyyk2xb4i',
      }),
      'InvalidRequest',
    ],
    [{ $type: 'x.y.z' }, 'InvalidDid'],
  ]
  for (const [subject, error] of rows) assert.equal((await update(subject, true)).body.error, error)
  assert.equal((await status({})).body.error, 'InvalidRequest')
})
