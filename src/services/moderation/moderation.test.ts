import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { cidForCbor } from '#protocol/crypto'
import { cidText, encodeCbor, fromJson } from '#protocol/data'
import { parseLabel, verifyLabel } from '#protocol/label'
import { validateRecord } from '#protocol/lexicon'
import { ADMIN, account, CID, Desk, type Person, post } from './desk.test-support.ts'

const HOUR_MS = 3_600_000
const APPEAL = 'com.atproto.moderation.defs#reasonAppeal'
let desk: Desk
let alice: Person
let bob: Person
beforeEach(async () => {
  desk = await Desk.open({ reportsPerHour: 5 })
  alice = desk.person('alice')
  bob = desk.person('bob')
})
afterEach(() => desk.close())

describe('reports', () => {
  test('of a record or an account are taken in, and open its case', async () => {
    const subject = post(alice)
    const { status, body } = await desk.report(bob, subject, { reason: 'buy now' })
    assert.equal(status, 200)
    assert.deepEqual(
      { ...body, id: 0, createdAt: '' },
      {
        id: 0,
        createdAt: '',
        reasonType: 'com.atproto.moderation.defs#reasonSpam',
        reason: 'buy now',
        reportedBy: bob.did,
        subject,
      },
    )
    assert.equal((await desk.report(bob, account(alice))).status, 200)
    for (const key of [subject.uri, alice.did]) {
      const found = await desk.status(key)
      assert.equal(found.reviewState, 'tools.ozone.moderation.defs#reviewOpen')
      assert.ok(found.lastReportedAt)
    }
  })

  test('need the token of an account for this service and method', async () => {
    const nsid = 'com.atproto.moderation.createReport'
    const input = {
      reasonType: 'com.atproto.moderation.defs#reasonSpam',
      subject: account(alice),
    }
    const send = (token: string) =>
      desk.call(nsid, { input, headers: { authorization: `Bearer ${token}` } })
    const aud = `${desk.service.did}#atproto_labeler`
    assert.equal((await send(desk.token(bob, nsid, { aud }))).status, 200)
    assert.equal((await desk.call(nsid, { input })).body.error, 'AuthMissing')
    const rows: [object, string][] = [
      [{ aud: 'did:web:other.test' }, 'BadJwtAudience'],
      [{ lxm: 'com.atproto.label.queryLabels' }, 'BadJwtLexiconMethod'],
      [{ key: alice.key }, 'BadJwtSignature'],
      [{ iss: 'did:plc:nobody' }, 'BadJwtIss'],
      [{ iss: `${bob.did}#atproto_labeler` }, 'BadJwtIss'],
    ]
    for (const [claims, error] of rows) {
      const answer = await send(desk.token(bob, nsid, claims))
      assert.deepEqual([answer.status, answer.body.error], [401, error])
    }
  })

  test('that make no sense are refused', async () => {
    const rows: [object, object][] = [
      [account({ did: 'nobody' }), {}],
      [{ ...post(alice), uri: `at://${alice.did}` }, {}],
      [{ ...post(alice), uri: 'at://alice.test/app.bsky.feed.post/1' }, {}],
      [account(alice), { reasonType: 'com.example#dislike' }],
      [account(alice), { reason: 'x'.repeat(20_001) }],
    ]
    for (const [subject, more] of rows)
      assert.equal((await desk.report(bob, subject, more)).status, 400)
    assert.equal(await desk.status(alice.did), undefined)
  })

  test('are the same when they come again, and only so many an hour', async () => {
    const first = (await desk.report(bob, post(alice))).body
    assert.equal((await desk.report(bob, post(alice))).body.id, first.id)
    for (let i = 1; i < 5; i++)
      assert.equal((await desk.report(bob, post(alice, `3k${i}`))).status, 200)
    const over = await desk.report(bob, post(alice, '3klast'))
    assert.deepEqual([over.status, over.body.error], [429, 'RateLimitExceeded'])
    await desk.outside.advance(HOUR_MS + 1)
    assert.equal((await desk.report(bob, post(alice, '3klast'))).status, 200)
    assert.notEqual((await desk.report(bob, post(alice))).body.id, first.id)
  })
})

describe('decisions', () => {
  test('are made by the operator and by named moderators only', async () => {
    await desk.close()
    const carol = { ...desk.person('carol') }
    desk = await Desk.open({ moderators: [carol.did] })
    desk.people.set(carol.did, carol)
    desk.people.set(bob.did, bob)
    const event = { $type: 'tools.ozone.moderation.defs#modEventComment', comment: 'hm' }
    const nsid = 'tools.ozone.moderation.emitEvent'
    const input = (by: Person) => ({ event, subject: account(alice), createdBy: by.did })
    assert.equal((await desk.call(nsid, { as: carol, input: input(carol) })).status, 200)
    assert.equal((await desk.call(nsid, { as: carol, input: input(bob) })).status, 403)
    assert.equal((await desk.call(nsid, { as: bob, input: input(bob) })).status, 403)
    const wrong = { authorization: `Basic ${btoa('admin:guess')}` }
    assert.equal((await desk.call(nsid, { headers: wrong, input: input(bob) })).status, 401)
    assert.equal((await desk.call(nsid, { headers: ADMIN, input: input(bob) })).status, 200)
    for (const method of ['queryEvents', 'queryStatuses', 'getEvent']) {
      const call = { params: { id: 1 }, as: bob }
      assert.equal((await desk.call(`tools.ozone.moderation.${method}`, call)).status, 403)
    }
  })

  test('are not to be had by guessing the password', async () => {
    const nsid = 'tools.ozone.moderation.queryStatuses'
    const guess = (password: string) =>
      desk.call(nsid, { headers: { authorization: `Basic ${btoa(`admin:${password}`)}` } })
    for (let i = 0; i < 20; i++) assert.equal((await guess(`guess ${i}`)).status, 401)
    const { status, headers } = await guess('pass')
    assert.deepEqual([status, headers['retry-after']], [429, '60'])
    const page = await desk.request('/', { headers: ADMIN })
    assert.equal(page.status, 401)
    await desk.outside.advance(60_000)
    assert.equal((await guess('pass')).status, 200)
  })

  test('are a history: each is kept, in order, with what it was about', async () => {
    const subject = post(alice)
    await desk.report(bob, subject)
    await desk.emit(subject, 'modEventComment', { comment: 'looking', sticky: true })
    await desk.emit(subject, 'modEventEscalate')
    assert.match((await desk.status(subject.uri)).reviewState, /reviewEscalated$/)
    await desk.emit(subject, 'modEventAcknowledge')
    const status = await desk.status(subject.uri)
    assert.match(status.reviewState, /reviewClosed$/)
    assert.equal(status.comment, 'looking')
    assert.equal(status.lastReviewedBy, desk.service.did)
    const params = { subject: subject.uri, sortDirection: 'asc' }
    const { body } = await desk.call('tools.ozone.moderation.queryEvents', {
      headers: ADMIN,
      params,
    })
    const names = body.events.map(
      (one: { event: { $type: string } }) => one.event.$type.split('#modEvent')[1],
    )
    assert.deepEqual(names, ['Report', 'Comment', 'Escalate', 'Acknowledge'])
    const { id } = body.events[0]
    const one = await desk.call('tools.ozone.moderation.getEvent', {
      headers: ADMIN,
      params: { id },
    })
    assert.equal(one.body.createdBy, bob.did)
    assert.equal(one.body.subject.uri, subject.uri)
    const none = { headers: ADMIN, params: { id: 999 } }
    assert.equal((await desk.call('tools.ozone.moderation.getEvent', none)).status, 404)
  })

  test('that make no sense now are refused, and leave nothing', async () => {
    const subject = account(alice)
    const rows: [string, object][] = [
      ['modEventReverseTakedown', {}],
      ['modEventResolveAppeal', {}],
      ['modEventMute', { durationInHours: 1 }],
      ['modEventReport', { reportType: APPEAL }],
      ['modEventLabel', { createLabelVals: [], negateLabelVals: [] }],
      ['modEventLabel', { createLabelVals: ['!takedown'], negateLabelVals: [] }],
      ['modEventLabel', { createLabelVals: ['Not A Label'], negateLabelVals: [] }],
      ['modEventLabel', { createLabelVals: ['spam'], negateLabelVals: ['spam'] }],
    ]
    for (const [name, fields] of rows) {
      const { status, body } = await desk.emit(subject, name, fields)
      assert.deepEqual([status, body.error], [400, 'InvalidRequest'], name)
    }
    const { body } = await desk.call('tools.ozone.moderation.queryEvents', { headers: ADMIN })
    assert.deepEqual(body.events, [])
  })

  test('with the same external id are taken once', async () => {
    const more = { externalId: 'x-1' }
    assert.equal((await desk.emit(account(alice), 'modEventComment', {}, more)).status, 200)
    const again = await desk.emit(account(alice), 'modEventComment', {}, more)
    assert.equal(again.body.error, 'DuplicateExternalId')
  })

  test('are paged and filtered; filters we do not have are refused', async () => {
    for (let i = 0; i < 4; i++) {
      await desk.outside.advance(1000)
      await desk.report(bob, post(alice, `3k${i}`))
    }
    await desk.emit(post(alice, '3k0'), 'modEventAcknowledge')
    const statuses = async (params: object) => {
      const call = { headers: ADMIN, params }
      return (await desk.call('tools.ozone.moderation.queryStatuses', call)).body
    }
    const uris = (body: { subjectStatuses: { subject: { uri: string } }[] }) =>
      body.subjectStatuses.map(({ subject }) => subject.uri.split('/').at(-1))
    const first = await statuses({ limit: 3 })
    assert.deepEqual(uris(first), ['3k3', '3k2', '3k1'])
    assert.deepEqual(uris(await statuses({ limit: 3, cursor: first.cursor })), ['3k0'])
    const open = { reviewState: 'tools.ozone.moderation.defs#reviewOpen' }
    assert.deepEqual(uris(await statuses({ ...open, sortDirection: 'asc' })), ['3k1', '3k2', '3k3'])
    const all = { subject: alice.did, includeAllUserRecords: true }
    assert.equal((await statuses(all)).subjectStatuses.length, 4)
    assert.deepEqual((await statuses({ subjectType: 'account' })).subjectStatuses, [])
    assert.equal((await statuses({ tags: ['x'] })).error, 'InvalidRequest')
    assert.equal((await statuses({ cursor: 'x' })).error, 'InvalidRequest')
    const events = async (params: object) =>
      (await desk.call('tools.ozone.moderation.queryEvents', { headers: ADMIN, params })).body
    const types = ['tools.ozone.moderation.defs#modEventReport']
    const page = await events({ types, limit: 3 })
    assert.equal(page.events.length, 3)
    assert.equal((await events({ types, limit: 3, cursor: page.cursor })).events.length, 1)
    assert.equal((await events({ createdBy: alice.did })).events.length, 0)
  })
})

describe('labels', () => {
  const label = (subject: object, say: string[], take: string[] = [], more: object = {}) =>
    desk.emit(subject, 'modEventLabel', { createLabelVals: say, negateLabelVals: take, ...more })

  test('are signed by the key of the identity, and found by subject, prefix and source', async () => {
    await label(post(alice), ['spam', 'rude'])
    await label(account(alice), ['spam'])
    await label(account(bob), ['nice'])
    const all = await desk.labels('*')
    assert.equal(all.length, 4)
    for (const one of all) {
      const read = parseLabel(fromJson(one as never))
      assert.ok(read && verifyLabel(read, desk.labelKey()))
      assert.equal(one.src, desk.service.did)
    }
    const values = async (...patterns: string[]) =>
      (await desk.labels(...patterns)).map(({ val }) => val)
    assert.deepEqual(await values(post(alice).uri), ['spam', 'rude'])
    assert.deepEqual(await values(alice.did), ['spam'])
    assert.deepEqual(await values(`at://${alice.did}/*`, bob.did), ['spam', 'rude', 'nice'])
    const query = async (params: object) =>
      (await desk.call('com.atproto.label.queryLabels', { params })).body
    const page = await query({ uriPatterns: '*', limit: 3 })
    assert.equal(page.labels.length, 3)
    const rest = await query({ uriPatterns: '*', limit: 3, cursor: page.cursor })
    assert.deepEqual([rest.labels.length, rest.cursor], [1, undefined])
    assert.deepEqual((await query({ uriPatterns: '*', sources: alice.did })).labels, [])
    assert.equal((await query({ uriPatterns: 'at://*/x' })).labels?.length, 0)
    assert.equal((await query({ uriPatterns: 'a*b*' })).error, 'InvalidRequest')
  })

  test('name the version they speak of', async () => {
    await label(post(alice), ['spam'])
    assert.equal((await desk.labels('*'))[0]!.cid, CID)
  })

  test('are taken back, said again, and expire', async () => {
    await label(account(alice), ['spam'])
    await label(account(alice), [], ['spam', 'never-said'])
    assert.deepEqual(await desk.labels('*'), [])
    await label(account(alice), ['spam'], [], { durationInHours: 1 })
    assert.equal((await desk.labels('*'))[0]!.exp, '2026-01-01T01:00:00.000Z')
    await desk.outside.advance(HOUR_MS)
    assert.deepEqual(await desk.labels('*'), [])
    const frames = await desk.frames(0, 3)
    const said = frames.map((frame) => {
      const { labels } = (frame as { body: { labels: { val: string; neg?: boolean }[] } }).body
      return [labels[0]!.val, labels[0]!.neg]
    })
    assert.deepEqual(said, [
      ['spam', undefined],
      ['spam', true],
      ['spam', undefined],
    ])
  })

  test('are replayed from a cursor, also after a restart, and go on', async () => {
    await label(account(alice), ['one', 'two'])
    const before = await desk.frames(0, 2)
    await desk.restart()
    await label(account(alice), ['three'])
    const frames = (await desk.frames(0, 3)) as { type: string; body: { seq: number } }[]
    assert.equal(JSON.stringify(frames.slice(0, 2)), JSON.stringify(before))
    assert.deepEqual(
      frames.map(({ type, body }) => [type, body.seq]),
      [
        ['#labels', 1],
        ['#labels', 2],
        ['#labels', 3],
      ],
    )
    assert.equal((await desk.frames(2, 1)).length, 1)
    assert.deepEqual(await desk.frames(99, 1), [
      { error: 'FutureCursor', message: 'Cursor in the future.' },
    ])
  })

  test('that a stop kept from the stream come after the next start', async () => {
    await label(account(alice), ['one'])
    await desk.frames(0, 1)
    const { bytes } = (await desk.sql.get<{ bytes: Uint8Array }>('select bytes from label'))!
    await desk.sql.run(
      `insert into label (event_id, uri, val, neg, bytes) values (1, 'did:plc:x', 'two', 0, ?)`,
      [bytes],
    )
    await desk.restart()
    const frames = (await desk.frames(0, 2)) as { body: { seq: number } }[]
    assert.deepEqual(
      frames.map(({ body }) => body.seq),
      [1, 2],
    )
  })
})

test('the service says what it is, in a record without a repository', async () => {
  const { did } = desk.service
  const params = { repo: did, collection: 'app.bsky.labeler.service', rkey: 'self' }
  const { body } = await desk.call('com.atproto.repo.getRecord', { params })
  assert.equal(validateRecord(params.collection, body.value).status, 'valid')
  assert.equal(body.cid, cidText(cidForCbor(encodeCbor(fromJson(body.value)))))
  const words = body.value.policies.labelValueDefinitions
  for (const { locales } of words)
    assert.deepEqual(
      locales.map(({ lang }: { lang: string }) => lang),
      ['en', 'ar'],
    )
  await desk.restart()
  const again = await desk.call('com.atproto.repo.getRecord', { params })
  assert.equal(again.body.cid, body.cid)
  const other = await desk.call('com.atproto.repo.getRecord', { params: { ...params, rkey: 'x' } })
  assert.equal(other.body.error, 'RecordNotFound')
})

describe('a takedown', () => {
  const carriedOut = async (key: string) =>
    (await desk.sql.get<{ carried_out: string }>('select carried_out from subject where key = ?', [
      key,
    ]))!.carried_out
  const settled = (key: string) => desk.until(async () => (await carriedOut(key)) !== 'waiting')

  test('is said as a label and carried out at the host; reversing takes both back', async () => {
    const subject = post(alice)
    await desk.emit(subject, 'modEventTakedown', {}, { subjectBlobCids: [CID] })
    await settled(subject.uri)
    assert.deepEqual(
      desk.told.map(({ subject, applied }) => [subject.uri ?? subject.cid, applied]),
      [
        [subject.uri, true],
        [CID, true],
      ],
    )
    assert.equal(atob(desk.told[0]!.authorization.slice(6)), 'admin:secret')
    assert.deepEqual(
      (await desk.labels('*')).map(({ val, cid }) => [val, cid]),
      [['!takedown', undefined]],
    )
    assert.equal((await desk.status(subject.uri)).takendown, true)
    assert.equal((await desk.emit(subject, 'modEventTakedown')).status, 400)
    await desk.emit(subject, 'modEventReverseTakedown')
    await settled(subject.uri)
    assert.deepEqual(
      desk.told.slice(2).map(({ applied }) => applied),
      [false, false],
    )
    assert.deepEqual(await desk.labels('*'), [])
    assert.equal((await desk.status(subject.uri)).takendown, false)
  })

  test('is carried out when the host answers again, also after a restart', async () => {
    desk.isHostDown = true
    await desk.emit(account(alice), 'modEventTakedown')
    await desk.until(() => desk.metrics.value('jobs', 'carry-out', 'retried') > 0)
    assert.equal(await carriedOut(alice.did), 'waiting')
    await desk.restart()
    desk.isHostDown = false
    await desk.until(async () => {
      await desk.outside.advance(1_000)
      return (await carriedOut(alice.did)) === 'done'
    })
    assert.deepEqual(
      desk.told.map(({ applied }) => applied),
      [true],
    )
  })

  test('of an account whose host is not ours to ask is a label', async () => {
    await desk.emit(account({ did: 'did:plc:stranger' }), 'modEventTakedown')
    await settled('did:plc:stranger')
    assert.equal(await carriedOut('did:plc:stranger'), 'label')
    assert.equal(desk.told.length, 0)
    assert.equal((await desk.labels('did:plc:stranger')).length, 1)
  })

  test('for some hours ends by itself', async () => {
    await desk.emit(account(alice), 'modEventTakedown', { durationInHours: 2 })
    await settled(alice.did)
    await desk.until(async () => {
      await desk.outside.advance(HOUR_MS / 2)
      return !(await desk.status(alice.did)).takendown
    })
    await settled(alice.did)
    assert.deepEqual(
      desk.told.map(({ applied }) => applied),
      [true, false],
    )
  })
})

describe('who it is about', () => {
  const mine = async (as: Person) =>
    (await desk.call('app.falaj.moderation.getMyStatus', { as })).body.decisions

  test('is told what holds, and why', async () => {
    await desk.report(bob, post(alice), { reason: 'secret of bob' })
    await desk.emit(post(alice), 'modEventComment', { comment: 'secret of ours' })
    assert.deepEqual(await mine(alice), [])
    const fields = { createLabelVals: ['spam'], negateLabelVals: [], comment: 'It sells' }
    await desk.emit(post(alice), 'modEventLabel', fields)
    const [decision] = await mine(alice)
    assert.deepEqual(decision, {
      subject: post(alice).uri,
      cid: CID,
      takendown: false,
      labels: ['spam'],
      reason: 'It sells',
      decidedAt: '2026-01-01T00:00:00.000Z',
    })
    assert.deepEqual(await mine(bob), [])
  })

  test('may appeal, nobody else; the answer closes it', async () => {
    await desk.emit(post(alice), 'modEventTakedown', { comment: 'no' })
    const byBob = await desk.report(bob, post(alice), { reasonType: APPEAL })
    assert.deepEqual([byBob.status, byBob.body.error], [403, 'Forbidden'])
    await desk.report(alice, post(alice), { reasonType: APPEAL, reason: 'it was a joke' })
    assert.equal((await mine(alice))[0].appeal, 'waiting')
    const status = await desk.status(post(alice).uri)
    assert.equal(status.appealed, true)
    assert.match(status.reviewState, /reviewEscalated$/)
    await desk.emit(post(alice), 'modEventResolveAppeal', { comment: 'no still' })
    assert.equal((await mine(alice))[0].appeal, 'answered')
    assert.equal((await desk.status(post(alice).uri)).appealed, false)
  })
  test('may appeal the takedown of the account, and report nobody meanwhile', async () => {
    await desk.emit(account(alice), 'modEventTakedown', { comment: 'no' })
    const against = await desk.report(alice, account(bob))
    assert.deepEqual([against.status, against.body.error], [403, 'Forbidden'])
    assert.equal((await desk.report(alice, account(alice), { reasonType: APPEAL })).status, 200)
    await desk.emit(account(alice), 'modEventReverseTakedown')
    assert.equal((await desk.report(alice, account(bob))).status, 200)
  })
})
