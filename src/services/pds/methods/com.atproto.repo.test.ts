/** Records: what each method answers, what it tells the network, and what it must not. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { cidText } from '#protocol/data'
import { type Answer, type HostEvent, type Person, TestHost } from '../testing/host.test-support.ts'

const POST = 'app.bsky.feed.post'
const NOTE = 'com.example.note'
/** Posts have TIDs for keys. */
const FIRST = '3l2jkcq6kwc2k'
const PICTURE = '3l2jkcq6kwd2k'
/** The CID of nothing that is here. */
const ELSEWHERE = 'bafyreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454'
const TIME = '2026-01-01T00:00:00.000Z'
const post = (text: string, extra: object = {}) => ({
  $type: POST,
  text,
  createdAt: TIME,
  ...extra,
})

let host: TestHost
let alice: Person
let cursor: number

before(async () => {
  host = await TestHost.open()
  alice = await host.signUp('alice')
  cursor = (await host.events()).at(-1)!.seq
})
after(() => host.close())

/** What the network was told since this was asked last. */
async function news(): Promise<HostEvent[]> {
  const events = await host.events(cursor)
  cursor = events.at(-1)?.seq ?? cursor
  return events
}

const call = (method: string, input: object, person = alice): Promise<Answer> =>
  host.post(`com.atproto.repo.${method}`, { repo: person.did, ...input }, person.accessJwt)

const opsOf = (events: readonly HostEvent[]) =>
  events.flatMap(({ commit }) => commit!.ops.map(({ action, path }) => `${action} ${path}`))

interface Scenario {
  name: string
  method: string
  input: object
  status?: number
  error?: string
  message?: RegExp
  /** Operations announced; none when left out. */
  ops?: string[]
  body?: object
}

/** Runs scenarios one after another: status, error, and exactly the events they are to cause. */
async function play(scenarios: readonly Scenario[]): Promise<void> {
  await news()
  for (const { name, method, input, ...expected } of scenarios) {
    const { status, body } = await call(method, input)
    const told = JSON.stringify(body)
    assert.equal(status, expected.status ?? (expected.error ? 400 : 200), `${name}: ${told}`)
    if (expected.error) assert.equal(body.error, expected.error, name)
    if (expected.message) assert.match(body.message, expected.message, name)
    if (expected.body) assert.partialDeepStrictEqual(body, expected.body, name)
    assert.deepEqual(opsOf(await news()), expected.ops ?? [], name)
  }
}

test('createRecord takes what its lexicon takes, and nothing else', () =>
  play([
    {
      name: 'a valid record',
      method: 'createRecord',
      input: { collection: POST, rkey: FIRST, record: post('hello') },
      ops: [`create ${POST}/${FIRST}`],
      body: { uri: `at://${alice.did}/${POST}/${FIRST}`, validationStatus: 'valid' },
    },
    {
      name: 'the same key again',
      method: 'createRecord',
      input: { collection: POST, rkey: FIRST, record: post('again') },
      error: 'RecordExists',
    },
    {
      name: 'a record that misses a field',
      method: 'createRecord',
      input: { collection: POST, record: { $type: POST, text: 'no date' } },
      error: 'InvalidRequest',
      message: /createdAt/,
    },
    {
      name: 'the same, unchecked',
      method: 'createRecord',
      input: { collection: POST, rkey: 'loose', record: { text: 'no date' }, validate: false },
      ops: [`create ${POST}/loose`],
    },
    {
      name: 'an unknown collection',
      method: 'createRecord',
      input: { collection: NOTE, rkey: 'a', record: { any: ['thing'] } },
      ops: [`create ${NOTE}/a`],
      body: { validationStatus: 'unknown' },
    },
    {
      name: 'an unknown collection that must be known',
      method: 'createRecord',
      input: { collection: NOTE, record: { any: 1 }, validate: true },
      error: 'InvalidRequest',
    },
    {
      name: 'another type than its collection',
      method: 'createRecord',
      input: { collection: POST, record: { $type: 'app.bsky.feed.like', text: '' } },
      error: 'InvalidRequest',
      message: /Invalid \$type/,
    },
    {
      name: 'a float',
      method: 'createRecord',
      input: { collection: NOTE, record: { half: 0.5 } },
      error: 'InvalidValue',
    },
    {
      name: 'a broken link',
      method: 'createRecord',
      input: { collection: NOTE, record: { to: { $link: 'nonsense' } } },
      error: 'InvalidCid',
    },
    {
      name: 'a blob as they were before they had a type',
      method: 'createRecord',
      input: {
        collection: NOTE,
        record: {
          deep: [
            {
              file: {
                cid: 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku',
                mimeType: 'image/png',
              },
            },
          ],
        },
        validate: false,
      },
      error: 'InvalidRequest',
      message: /Legacy blobs/,
    },
    {
      name: 'no object',
      method: 'createRecord',
      input: { collection: NOTE, record: ['list'] },
      error: 'InvalidRequest',
    },
    {
      name: 'a collection that is none',
      method: 'createRecord',
      input: { collection: 'nonsense', record: {} },
      error: 'InvalidRequest',
    },
    {
      name: 'a key that is none',
      method: 'createRecord',
      input: { collection: NOTE, rkey: '..', record: {} },
      error: 'InvalidRequest',
    },
    {
      name: 'a key its lexicon does not allow',
      method: 'createRecord',
      input: { collection: 'app.bsky.actor.profile', rkey: 'other', record: {} },
      error: 'InvalidRequest',
    },
    {
      name: 'a record over a megabyte',
      method: 'createRecord',
      input: { collection: NOTE, record: { text: 'x'.repeat(1_000_001) } },
      error: 'InvalidRequest',
      message: /1000000 bytes/,
    },
    {
      name: 'a swap against another commit',
      method: 'createRecord',
      input: {
        collection: NOTE,
        record: {},
        swapCommit: ELSEWHERE,
      },
      error: 'InvalidSwap',
    },
    {
      name: 'a blob nobody uploaded',
      method: 'createRecord',
      input: {
        collection: NOTE,
        record: {
          file: {
            $type: 'blob',
            ref: { $link: 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku' },
            mimeType: 'image/png',
            size: 1,
          },
        },
      },
      error: 'BlobNotFound',
    },
  ]))

test('a JSON body beyond its limit is refused before it is read', async () => {
  const { status, body } = await call('createRecord', {
    collection: NOTE,
    record: { text: 'x'.repeat(2_000_000) },
  })
  assert.deepEqual([status, body.error], [413, 'PayloadTooLarge'])
})

test('swapCommit holds exactly until the next commit', async () => {
  const first = await call('createRecord', { collection: NOTE, record: {} })
  const swapCommit = first.body.commit.cid
  assert.equal(
    (await call('createRecord', { collection: NOTE, record: {}, swapCommit })).status,
    200,
  )
  const late = await call('createRecord', { collection: NOTE, record: {}, swapCommit })
  assert.equal(late.body.error, 'InvalidSwap')
})

test('of writes that swap the same commit at once, one wins', async () => {
  const { body } = await call('createRecord', { collection: NOTE, record: {} })
  const swapCommit = body.commit.cid
  const answers = await Promise.all(
    Array.from({ length: 10 }, () =>
      call('createRecord', { collection: NOTE, record: {}, swapCommit }),
    ),
  )
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  assert.equal(answers.filter(({ body }) => body.error === 'InvalidSwap').length, 9)
})

test('putRecord creates, replaces, and does nothing twice', async () => {
  const rkey = 'put'
  const made = await call('putRecord', { collection: NOTE, rkey, record: { n: 1 } })
  await news()
  await play([
    {
      name: 'the same value',
      method: 'putRecord',
      input: { collection: NOTE, rkey, record: { n: 1 } },
      body: { cid: made.body.cid },
    },
    {
      name: 'the same value, whatever was believed to be there',
      method: 'putRecord',
      input: {
        collection: NOTE,
        rkey,
        record: { n: 1 },
        swapRecord: ELSEWHERE,
        swapCommit: ELSEWHERE,
      },
      body: { cid: made.body.cid },
    },
    {
      name: 'another value',
      method: 'putRecord',
      input: { collection: NOTE, rkey, record: { n: 2 } },
      ops: [`update ${NOTE}/put`],
    },
    {
      name: 'only if it is the first value still',
      method: 'putRecord',
      input: { collection: NOTE, rkey, record: { n: 3 }, swapRecord: made.body.cid },
      error: 'InvalidSwap',
    },
    {
      name: 'only if it is not there',
      method: 'putRecord',
      input: { collection: NOTE, rkey, record: { n: 3 }, swapRecord: null },
      error: 'InvalidSwap',
    },
    {
      name: 'only if it is not there, and it is not',
      method: 'putRecord',
      input: { collection: NOTE, rkey: 'fresh', record: { n: 3 }, swapRecord: null },
      ops: [`create ${NOTE}/fresh`],
    },
    {
      name: 'a profile',
      method: 'putRecord',
      input: {
        collection: 'app.bsky.actor.profile',
        rkey: 'self',
        record: { displayName: 'Alice' },
      },
      ops: ['create app.bsky.actor.profile/self'],
    },
  ])
})

test('deleteRecord deletes what is there, and is content when nothing is', async () => {
  const { body } = await call('createRecord', { collection: NOTE, rkey: 'gone', record: { n: 1 } })
  await play([
    {
      name: 'only if it is something else',
      method: 'deleteRecord',
      input: {
        collection: NOTE,
        rkey: 'gone',
        swapRecord: ELSEWHERE,
      },
      error: 'InvalidSwap',
    },
    {
      name: 'what is there',
      method: 'deleteRecord',
      input: { collection: NOTE, rkey: 'gone', swapRecord: body.cid },
      ops: [`delete ${NOTE}/gone`],
    },
    {
      name: 'once more',
      method: 'deleteRecord',
      input: { collection: NOTE, rkey: 'gone' },
      body: {},
    },
    {
      name: 'once more, whatever was believed to be there',
      method: 'deleteRecord',
      input: { collection: NOTE, rkey: 'gone', swapRecord: body.cid, swapCommit: ELSEWHERE },
      body: {},
    },
  ])
  const read = await host.get('com.atproto.repo.getRecord', {
    repo: alice.did,
    collection: NOTE,
    rkey: 'gone',
  })
  assert.equal(read.body.error, 'RecordNotFound')
})

const KIND = 'com.atproto.repo.applyWrites'
const create = (rkey: string, value: object = {}) => ({
  $type: `${KIND}#create`,
  collection: NOTE,
  rkey,
  value,
})
const update = (rkey: string, value: object) => ({
  $type: `${KIND}#update`,
  collection: NOTE,
  rkey,
  value,
})
const remove = (rkey: string) => ({ $type: `${KIND}#delete`, collection: NOTE, rkey })

test('applyWrites is one commit, all or nothing', () =>
  play([
    {
      name: 'three kinds at once',
      method: 'applyWrites',
      input: { writes: [create('x'), create('y'), create('z')] },
      ops: [`create ${NOTE}/x`, `create ${NOTE}/y`, `create ${NOTE}/z`],
      body: { results: [{ $type: `${KIND}#createResult`, validationStatus: 'unknown' }] },
    },
    {
      name: 'an update, a delete and a create',
      method: 'applyWrites',
      input: { writes: [update('x', { n: 2 }), remove('y'), create('w')] },
      ops: [`update ${NOTE}/x`, `delete ${NOTE}/y`, `create ${NOTE}/w`],
    },
    {
      name: 'one of two that fails',
      method: 'applyWrites',
      input: { writes: [create('v'), create('x')] },
      error: 'RecordExists',
    },
    {
      name: 'an update of nothing',
      method: 'applyWrites',
      input: { writes: [create('v'), update('nothing', {})] },
      error: 'RecordNotFound',
    },
    {
      name: 'a delete of nothing',
      method: 'applyWrites',
      input: { writes: [remove('nothing')] },
      error: 'RecordNotFound',
    },
    {
      name: 'several writes to one key count as what they come to',
      method: 'applyWrites',
      input: { writes: [create('u', { n: 1 }), update('u', { n: 2 })] },
      ops: [`create ${NOTE}/u`],
    },
    {
      name: '201 writes',
      method: 'applyWrites',
      input: { writes: Array.from({ length: 201 }, (_, i) => create(`many${i}`)) },
      error: 'InvalidRequest',
      message: /200/,
    },
    {
      name: 'over two megabytes',
      method: 'applyWrites',
      input: {
        writes: Array.from({ length: 5 }, (_, i) => create(`big${i}`, { t: 'x'.repeat(500_000) })),
      },
      error: 'TooLarge',
    },
  ]))

test('what a rejected batch would have written is not there', async () => {
  for (const rkey of ['v', 'many0', 'big0']) {
    const params = { repo: alice.did, collection: NOTE, rkey }
    assert.equal(
      (await host.get('com.atproto.repo.getRecord', params)).body.error,
      'RecordNotFound',
    )
  }
  const params = { repo: alice.did, collection: NOTE, rkey: 'u' }
  assert.equal((await host.get('com.atproto.repo.getRecord', params)).body.value.n, 2)
})

test('200 writes fit into one commit', async () => {
  await news()
  const writes = Array.from({ length: 200 }, (_, i) => create(`full${i}`, { i }))
  const { status, body } = await call('applyWrites', { writes })
  assert.equal(status, 200)
  assert.equal(body.results.length, 200)
  const events = await news()
  assert.equal(events.length, 1)
  assert.equal(events[0]!.commit!.ops.length, 200)
  assert.equal(cidText(events[0]!.commit!.commit), body.commit.cid)
})

test('getRecord finds by DID and by handle, and one version if asked', async () => {
  const made = await call('createRecord', { collection: NOTE, rkey: 'read', record: { n: 1 } })
  const get = (params: object) =>
    host.get('com.atproto.repo.getRecord', { collection: NOTE, rkey: 'read', ...params })
  for (const repo of [alice.did, alice.handle, alice.handle.toUpperCase()]) {
    const { body } = await get({ repo })
    assert.deepEqual(body, {
      uri: made.body.uri,
      cid: made.body.cid,
      value: { n: 1, $type: NOTE },
    })
  }
  assert.equal((await get({ repo: alice.did, cid: made.body.cid })).status, 200)
  const other = 'bafyreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454'
  assert.equal((await get({ repo: alice.did, cid: other })).body.error, 'RecordNotFound')
  assert.equal((await get({ repo: 'nobody.test' })).body.error, 'RepoNotFound')
})

test('records come back as they were given: links, bytes, nesting', async () => {
  const record = {
    link: { $link: 'bafyreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454' },
    bytes: { $bytes: 'AAECAw' },
    deep: { list: [1, 'two', null, true, { three: [] }] },
    عربي: 'نص',
  }
  const { body } = await call('createRecord', { collection: NOTE, rkey: 'deep', record })
  const read = await host.get('com.atproto.repo.getRecord', {
    repo: alice.did,
    collection: NOTE,
    rkey: 'deep',
  })
  assert.deepEqual(read.body.value, { ...record, $type: NOTE })
  assert.equal(read.body.cid, body.cid)
})

test('names that mean something to a machine are data like others', async () => {
  const record = '{"__proto__":{"admin":true},"constructor":{"x":1},"toString":"text"}'
  const input = `{"repo":"${alice.did}","collection":"${NOTE}","rkey":"odd","record":${record}}`
  const made = await host.call('POST', 'com.atproto.repo.createRecord', {
    input: new TextEncoder().encode(input),
    token: alice.accessJwt,
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(made.status, 200, JSON.stringify(made.body))
  const params = { repo: alice.did, collection: NOTE, rkey: 'odd' }
  const { bytes } = await host.get('com.atproto.repo.getRecord', params)
  assert.match(new TextDecoder().decode(bytes), /"__proto__":\{"admin":true\}/)
  assert.equal(({} as { admin?: unknown }).admin, undefined)
})

test('listRecords pages in both directions and keeps to its collection', async () => {
  const bob = await host.signUp('bob')
  const writes = Array.from({ length: 25 }, (_, i) => ({
    $type: `${KIND}#create`,
    collection: i % 2 ? NOTE : `${NOTE}s`,
    rkey: `k${String(i).padStart(2, '0')}`,
    value: { i },
  }))
  await call('applyWrites', { writes }, bob)
  for (const reverse of [false, true]) {
    const found: number[] = []
    let at: string | undefined
    for (;;) {
      const params = { repo: bob.did, collection: NOTE, limit: 5, reverse, cursor: at }
      const { body } = await host.get('com.atproto.repo.listRecords', params)
      found.push(...body.records.map(({ value }: { value: { i: number } }) => value.i))
      if (body.records.length < 5) break
      at = body.cursor
    }
    const expected = Array.from({ length: 12 }, (_, i) => 2 * i + 1)
    assert.deepEqual(found, reverse ? expected : expected.reverse())
  }
  const none = await host.get('com.atproto.repo.listRecords', {
    repo: bob.did,
    collection: 'com.example.none',
  })
  assert.deepEqual(none.body.records, [])
  for (const limit of [0, 101]) {
    const params = { repo: bob.did, collection: NOTE, limit }
    assert.equal((await host.get('com.atproto.repo.listRecords', params)).status, 400)
  }
})

test('describeRepo tells identity and collections', async () => {
  const { body } = await host.get('com.atproto.repo.describeRepo', { repo: 'bob.test' })
  assert.deepEqual(body.collections, [NOTE, `${NOTE}s`])
  assert.equal(body.handle, 'bob.test')
  assert.equal(body.handleIsCorrect, true)
  assert.equal(body.didDoc.id, body.did)
  const none = await host.get('com.atproto.repo.describeRepo', { repo: 'nobody.test' })
  assert.equal(none.body.error, 'RepoNotFound')
})

test('a directory that does not answer is named, not blamed on us', async () => {
  const silent = await TestHost.open()
  const carol = await silent.signUp('carol')
  const restarted = await silent.restart()
  restarted.plc.mood = 'down'
  const { status, body } = await restarted.get('com.atproto.repo.describeRepo', { repo: carol.did })
  assert.deepEqual([status, body.error], [502, 'UpstreamFailure'])
  assert.match(body.message, /plc\.test/)
  await restarted.close()
})

test('a blob is private until a record mentions it, and again when none does', async () => {
  const blob = await host.upload(alice, 'a picture')
  const params = { did: alice.did, cid: blob.ref.$link }
  const read = () => host.get('com.atproto.sync.getBlob', params)
  assert.equal((await read()).body.error, 'BlobNotFound')
  const image = { alt: '', image: blob }
  const embed = { $type: 'app.bsky.embed.images', images: [image, image] }
  await news()
  const made = await call('createRecord', {
    collection: POST,
    rkey: PICTURE,
    record: post('', { embed }),
  })
  assert.equal(made.status, 200, JSON.stringify(made.body))
  const [event] = await news()
  assert.deepEqual(
    event!.body.blobs.map(({ $link }: { $link: string }) => $link),
    [blob.ref.$link],
    'each blob is announced once',
  )
  const found = await read()
  assert.equal(found.status, 200)
  assert.equal(new TextDecoder().decode(found.bytes), 'a picture')
  assert.equal(found.headers['content-type'], 'image/png')
  assert.equal(found.headers['content-length'], '9')
  assert.match(found.headers['content-security-policy']!, /sandbox/)
  assert.equal(found.headers['x-content-type-options'], 'nosniff')
  const listed = await host.get('com.atproto.sync.listBlobs', { did: alice.did })
  assert.deepEqual(listed.body.cids, [blob.ref.$link])
  await call('deleteRecord', { collection: POST, rkey: PICTURE })
  assert.equal((await read()).body.error, 'BlobNotFound')
  assert.deepEqual((await host.get('com.atproto.sync.listBlobs', { did: alice.did })).body.cids, [])
})

test('a record must speak the truth about its blobs', async () => {
  const blob = await host.upload(alice, 'another picture')
  for (const [change, error] of [
    [{ mimeType: 'image/jpeg' }, 'InvalidMimeType'],
    [{ size: 1 }, 'InvalidSize'],
  ] as const) {
    const record = { file: { ...blob, ...change } }
    const { body } = await call('createRecord', { collection: NOTE, record })
    assert.equal(body.error, error)
  }
  const bob = await host.signUp('blobless')
  const { body } = await call('createRecord', { collection: NOTE, record: { file: blob } }, bob)
  assert.equal(body.error, 'BlobNotFound', 'a blob is of one account')
})

test('uploads have limits, each with its name', async () => {
  const small = await TestHost.open({ config: { blobBytesMax: 100, accountBlobBytesMax: 250 } })
  const carol = await small.signUp('carol')
  const upload = (bytes: number, letter: string) =>
    small.call('POST', 'com.atproto.repo.uploadBlob', {
      input: new TextEncoder().encode(letter.repeat(bytes)),
      token: carol.accessJwt,
      headers: { 'content-type': 'text/plain' },
    })
  assert.equal((await upload(101, 'a')).status, 413)
  assert.equal((await upload(100, 'a')).status, 200)
  assert.equal((await upload(100, 'b')).status, 200)
  assert.equal((await upload(100, 'c')).body.error, 'BlobQuotaExceeded')
  assert.equal((await upload(100, 'a')).status, 200, 'the same bytes take no room twice')
  await small.close()
})

test('listMissingBlobs has nothing to say of an account that was always here', async () => {
  const { body } = await host.get('com.atproto.repo.listMissingBlobs', {}, alice.accessJwt)
  assert.deepEqual(body, { blobs: [] })
})

test('the chain of every commit made here verifies', async () => {
  await host.assertChain(alice)
})
