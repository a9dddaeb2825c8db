import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromJson } from '#protocol/data'
import { methodSchema, officialCollections, recordSchema, validateRecord } from './index.ts'

const createdAt = '2024-01-01T00:00:00.000Z'
const post = { $type: 'app.bsky.feed.post', text: 'x', createdAt }

test('official records are known by collection, others are not', () => {
  assert.equal(recordSchema('app.bsky.feed.post')?.type, 'record')
  assert.equal(recordSchema('com.example.record'), undefined)
  assert.equal(recordSchema('toString'), undefined)
  const collections = officialCollections()
  assert.ok(collections.length >= 21)
  for (const name of [
    'app.bsky.actor.profile',
    'chat.bsky.actor.declaration',
    'com.atproto.lexicon.schema',
  ]) {
    assert.ok(collections.includes(name), name)
  }
})

test('a record is valid, invalid, or of a lexicon nobody here has', () => {
  assert.deepEqual(validateRecord('app.bsky.feed.post', post), { status: 'valid' })
  assert.deepEqual(validateRecord('app.bsky.feed.post', fromJson(post)), { status: 'valid' })
  assert.deepEqual(validateRecord('com.example.record', post), { status: 'unknown' })
  for (const value of [
    { ...post, text: 1 },
    { ...post, $type: 'app.bsky.feed.like' },
    null,
    'x',
    [],
  ]) {
    const verdict = validateRecord('app.bsky.feed.post', value)
    assert.equal(verdict.status, 'invalid')
    assert.ok((verdict as { message: string }).message.length > 0)
  }
})

test('the key is checked when it is given', () => {
  const profile = { $type: 'app.bsky.actor.profile' }
  const like = {
    $type: 'app.bsky.feed.like',
    createdAt,
    subject: {
      uri: 'at://a.test/a.b.c/x',
      cid: 'bafkreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq',
    },
  }
  const verdict = (value: { $type: string }, rkey: string) =>
    validateRecord(value.$type, value, { rkey }).status
  assert.equal(verdict(profile, 'self'), 'valid')
  assert.equal(verdict(profile, 'other'), 'invalid')
  assert.equal(verdict(post, '3kznmn7xqxl22'), 'valid')
  assert.equal(verdict(post, 'self'), 'invalid')
  assert.equal(verdict(like, 'a/b'), 'invalid')
})

test('official methods are found by name, of every kind', async () => {
  const types = async (...nsids: string[]) =>
    Promise.all(nsids.map(async (nsid) => (await methodSchema(nsid))?.type))
  assert.deepEqual(
    await types(
      'com.atproto.repo.createRecord',
      'app.bsky.feed.getTimeline',
      'com.atproto.sync.subscribeRepos',
      'tools.ozone.moderation.emitEvent',
      'app.bsky.feed.post',
      'com.example.method',
    ),
    ['xrpc_procedure', 'xrpc_query', 'xrpc_subscription', 'xrpc_procedure', undefined, undefined],
  )
})
