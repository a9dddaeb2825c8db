import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ComAtprotoRepoCreateRecord,
  ComAtprotoRepoListRecords,
  ComAtprotoSyncSubscribeRepos,
} from '@atcute/atproto'
import {
  createRouter,
  decodeFrame,
  type FrameBatch,
  noAuth,
  procedure,
  query,
  subscription,
} from './index.ts'
import { collect, get, post, textOf } from './requests.fixture.ts'

const list = query(ComAtprotoRepoListRecords.mainSchema, {
  auth: noAuth,
  handle: ({ params }) => ({ records: [], cursor: JSON.stringify(params) }),
})
const create = procedure(ComAtprotoRepoCreateRecord.mainSchema, {
  auth: () => ({ did: 'did:plc:abc' as const }),
  limits: { bodyBytes: 10_000 },
  async handle({ input, caller }) {
    return { uri: `at://${caller.did}/${input.collection}/${input.rkey ?? 'x'}`, cid: 'bafy' }
  },
})
const repos = subscription(ComAtprotoSyncSubscribeRepos.mainSchema, {
  auth: noAuth,
  async *handle({ params }) {
    if (params.cursor === 7) throw new TypeError('boom')
    yield [new Uint8Array([params.cursor ?? 0])]
  },
})
const router = createRouter([list, create, repos])

test('a query gets its parameters typed and its defaults', async () => {
  const answer = await router.handle(
    get('/xrpc/com.atproto.repo.listRecords', 'repo=did%3Aplc%3Aabc&collection=a.b.c&reverse=true'),
  )
  assert.equal(answer.status, 200)
  assert.deepEqual(JSON.parse(JSON.parse(textOf(answer)).cursor), {
    repo: 'did:plc:abc',
    collection: 'a.b.c',
    reverse: true,
    limit: 50,
  })
})

test('a procedure gets its input and its caller', async () => {
  const input = { repo: 'did:plc:abc', collection: 'a.b.c', record: { $type: 'a.b.c' } }
  const answer = await router.handle(post('/xrpc/com.atproto.repo.createRecord', input))
  assert.equal(answer.status, 200)
  assert.deepEqual(JSON.parse(textOf(answer)), { uri: 'at://did:plc:abc/a.b.c/x', cid: 'bafy' })
})

test('a subscription yields batches, and what it throws becomes an error frame', async () => {
  const frames = async (query: string) => {
    const opened = router.subscribe(get('/xrpc/com.atproto.sync.subscribeRepos', query))
    assert.ok(Symbol.asyncIterator in opened)
    return collect(opened as AsyncIterable<FrameBatch>)
  }
  assert.deepEqual(await frames('cursor=3'), [[new Uint8Array([3])]])
  const [[failed]] = (await frames('cursor=7')) as [[Uint8Array]]
  assert.deepEqual(decodeFrame(failed), {
    error: 'InternalServerError',
    message: 'Internal Server Error',
  })
})
