/**
 * Two validators, one meaning: the official schemas of the pinned packages, and our compiler fed
 * with the same lexicons as documents. Where they differ, one of them is wrong.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { safeParse } from '@atcute/lexicons/validations'
import { schemas } from '@atproto/api'
import fc from 'fast-check'
import { decodeCbor, decodeCborFirst, readCar } from '#protocol/data'
import { vectorPath } from '../../../network/vectors.ts'
import {
  compileLexicons,
  methodSchema,
  officialCollections,
  parseLexicon,
  validateRecord,
} from './index.ts'

// The package carries its documents with references already marked as such: `lex:a.b.c#d`.
const documents = JSON.parse(JSON.stringify(schemas).replaceAll('"lex:', '"')) as unknown[]
const lexicons = compileLexicons(documents)

const cid = 'bafkreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq'
const createdAt = '2024-01-01T00:00:00.000Z'
const uri = 'at://did:plc:abcdefghijklmnopqrstuvwx/app.bsky.feed.post/3kznmn7xqxl22'
const did = 'did:plc:abcdefghijklmnopqrstuvwx'
const ref = { uri, cid }
const image = { $type: 'blob', ref: { $link: cid }, mimeType: 'image/png', size: 1000 }
const labels = { $type: 'com.atproto.label.defs#selfLabels', values: [{ val: 'x' }] }
const facets = [
  {
    index: { byteStart: 0, byteEnd: 5 },
    features: [
      { $type: 'app.bsky.richtext.facet#mention', did },
      { $type: 'app.bsky.richtext.facet#tag', tag: 'ساقية' },
      { $type: 'app.bsky.richtext.facet#link', uri: 'https://a.test' },
      { $type: 'test.other.feature', anything: [1] },
    ],
  },
]
const embeds = [
  {
    $type: 'app.bsky.embed.images',
    images: [{ alt: 'x', image, aspectRatio: { width: 1, height: 2 } }],
  },
  {
    $type: 'app.bsky.embed.external',
    external: { uri: 'a:b', title: '', description: '', thumb: image },
  },
  { $type: 'app.bsky.embed.record', record: ref },
]

/** Valid records, as full as they come. */
const samples: Record<string, Record<string, unknown>[]> = {
  'app.bsky.feed.post': [
    { text: '', createdAt },
    { text: 'ساقية 👩‍👩‍👦', createdAt, langs: ['ar', 'en'], tags: ['a'], facets, labels },
    ...embeds.map((embed) => ({ text: 'x', createdAt, embed, reply: { root: ref, parent: ref } })),
    {
      text: 'x',
      createdAt,
      embed: {
        $type: 'app.bsky.embed.recordWithMedia',
        record: { $type: 'app.bsky.embed.record', record: ref },
        media: embeds[0],
      },
    },
  ],
  'app.bsky.feed.like': [{ subject: ref, createdAt, via: ref }],
  'app.bsky.feed.repost': [{ subject: ref, createdAt }],
  'app.bsky.graph.follow': [{ subject: did, createdAt }],
  'app.bsky.graph.block': [{ subject: did, createdAt }],
  'app.bsky.graph.list': [
    { name: 'x', purpose: 'app.bsky.graph.defs#modlist', createdAt, avatar: image, labels },
  ],
  'app.bsky.graph.listitem': [{ subject: did, list: uri, createdAt }],
  'app.bsky.actor.profile': [{ displayName: 'Alice', avatar: image, labels, pinnedPost: ref }],
  'app.bsky.feed.threadgate': [
    { post: uri, createdAt, allow: [{ $type: 'app.bsky.feed.threadgate#mentionRule' }] },
  ],
  'app.bsky.feed.generator': [
    { did, displayName: 'x', createdAt, descriptionFacets: facets, acceptsInteractions: true },
  ],
  'chat.bsky.actor.declaration': [{ allowIncoming: 'all' }],
}

function agree(collection: string, value: unknown, strict = true): string {
  const official = validateRecord(collection, value, { strict })
  const ours = lexicons.validateRecord(collection, value, { strict })
  assert.equal(
    ours.status,
    official.status,
    `${collection} ${JSON.stringify(value)}\nofficial: ${JSON.stringify(official)}\nours: ${JSON.stringify(ours)}`,
  )
  return ours.status
}

const records = Object.entries(samples).flatMap(([$type, list]) =>
  list.map((fields): [string, Record<string, unknown>] => [$type, { $type, ...fields }]),
)

test('every official document is well-formed, and every official record is among them', () => {
  assert.ok(documents.length > 300)
  for (const document of documents) assert.doesNotThrow(() => parseLexicon(document))
  for (const collection of officialCollections()) {
    assert.equal(lexicons.document(collection)?.defs.main?.type, 'record', collection)
  }
})

test('both accept full, valid records', () => {
  for (const [collection, record] of records) {
    assert.equal(agree(collection, record), 'valid', JSON.stringify(record))
  }
})

test('both take legacy blobs only where old records are read', () => {
  const record = { $type: 'app.bsky.actor.profile', avatar: { cid, mimeType: 'image/png' } }
  assert.equal(agree('app.bsky.actor.profile', record, true), 'invalid')
  assert.equal(agree('app.bsky.actor.profile', record, false), 'valid')
})

test('both look at sizes and types of blobs only where records are written', () => {
  for (const change of [{ size: 5_000_000 }, { mimeType: 'text/plain' }]) {
    const record = { $type: 'app.bsky.actor.profile', avatar: { ...image, ...change } }
    assert.equal(agree('app.bsky.actor.profile', record, true), 'invalid')
    assert.equal(agree('app.bsky.actor.profile', record, false), 'valid')
  }
})

/** Every place in a value, as the keys that lead there. */
function places(value: unknown, at: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [at]
  const entries = Object.entries(value as Record<string, unknown>)
  return [at, ...entries.flatMap(([key, item]) => places(item, [...at, key]))]
}

/** A copy in which the value at a place is another one, or gone. */
function changed(value: unknown, at: (string | number)[], replacement: unknown): unknown {
  if (at.length === 0) return replacement
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<
    string,
    unknown
  >
  const key = String(at[0])
  const next = changed(copy[key], at.slice(1), replacement)
  if (next === undefined && !Array.isArray(copy)) delete copy[key]
  else copy[key] = next
  return copy
}

test('both say the same of records with one thing changed anywhere', () => {
  const replacement = fc.oneof(
    fc.constantFrom<unknown>(undefined, null, true, 0, 1.5, 9e15, '', 'x', 'did:web:a.test', {}),
    fc.constantFrom<unknown>(
      'a.b.c',
      'alice.test',
      'at://x',
      createdAt,
      'en',
      cid,
      [],
      [null],
      ['x'],
    ),
    fc.constantFrom<unknown>(image, facets, ref, { $type: 'x.y.z' }, { $type: 1 }, { $link: cid }),
    fc.string({ unit: 'grapheme', maxLength: 400 }),
    fc.nat(400).map((length) => 'é'.repeat(length)),
    fc.nat(40).map((length) => Array.from({ length }, () => 'tag')),
    // No negative ones: the generator of the official schemas has lost every `minimum: 0`.
    fc.nat(),
  )
  const record = fc.constantFrom(...records)
  const verdicts = { valid: 0, invalid: 0, unknown: 0 }
  fc.assert(
    fc.property(record, fc.nat(), replacement, fc.boolean(), ([name, value], n, other, strict) => {
      const all = places(value)
      const at = all[n % all.length]!
      // The two differ knowingly. Ours are stricter with links and bytes where an object stands,
      // and take any CID as text, where the official ones take only those of repositories.
      fc.pre(at.length > 0 && at.at(-1) !== 'cid' && !isObjectPlace(value, at, other))
      verdicts[agree(name, changed(value, at, other), strict) as 'valid']++
    }),
    // A fixed seed: string formats differ at rare edges, which are the syntax room's to judge.
    { numRuns: 20_000, seed: 20_260_101 },
  )
  assert.ok(verdicts.valid > 1000 && verdicts.invalid > 1000, JSON.stringify(verdicts))
})

/** True when a link would stand where an object of open shape stands now. */
function isObjectPlace(value: unknown, at: (string | number)[], other: unknown): boolean {
  const isLink = typeof other === 'object' && other !== null && '$link' in other
  const before = at.reduce<unknown>((part, key) => (part as Record<string, unknown>)[key], value)
  return isLink && typeof before === 'object' && before !== null && !('$link' in before)
}

test('both accept the records of a real repository', {
  skip: !vectorPath('firehose-corpus'),
}, () => {
  const car = readFileSync(vectorPath('firehose-corpus/repo.car')!)
  const verdicts: string[] = []
  for (const { bytes } of readCar(car).blocks) {
    const value = decodeCbor(bytes) as { $type?: string }
    if (value.$type !== undefined) verdicts.push(agree(value.$type, value, false))
  }
  assert.ok(verdicts.length > 10)
  assert.ok(verdicts.every((status) => status === 'valid'))
})

const served = vectorPath('firehose-corpus/expected_v1.jsonl')

test('both say the same of what the whole network wrote in one moment', { skip: !served }, () => {
  const verdicts: Record<string, number> = {}
  for (const line of readFileSync(served!, 'utf8').trim().split('\n')) {
    const { commit } = JSON.parse(line) as { commit?: { collection: string; record?: unknown } }
    if (commit?.record === undefined || !lexicons.document(commit.collection)) continue
    if (!officialCollections().includes(commit.collection)) continue
    const status = agree(commit.collection, commit.record, false)
    verdicts[status] = (verdicts[status] ?? 0) + 1
  }
  assert.ok((verdicts.valid ?? 0) > 50, JSON.stringify(verdicts))
})

const frames = vectorPath('firehose-corpus/frames.bin.zst')

test('both accept the messages of a real relay', { skip: !frames }, async () => {
  const schema = await methodSchema('com.atproto.sync.subscribeRepos')
  assert.ok(schema?.type === 'xrpc_subscription' && schema.message !== null)
  const bytes = new Uint8Array(zstdDecompressSync(readFileSync(frames!)))
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  let count = 0
  for (let at = 0; at < bytes.length; count++) {
    const length = view.getUint32(at, true)
    const [header, rest] = decodeCborFirst(bytes.subarray(at + 4, at + 4 + length))
    const $type = `com.atproto.sync.subscribeRepos${(header as { t: string }).t}`
    const message = { ...(decodeCbor(rest) as object), $type }
    assert.equal(safeParse(schema.message, message).ok, true)
    const verdict = lexicons.validateMessage('com.atproto.sync.subscribeRepos', message)
    assert.equal(verdict.status, 'valid', JSON.stringify(verdict))
    at += 4 + length
  }
  assert.equal(count, 150)
})

test('both refuse the same parameters and fill in the same defaults', async () => {
  const nsids = [
    'com.atproto.repo.listRecords',
    'app.bsky.feed.getAuthorFeed',
    'app.bsky.feed.getPosts',
  ]
  const value = fc.oneof(
    fc.constantFrom<unknown>('did:web:a.test', 'a.b.c', true, 'x', ['at://a.test/a.b.c/d']),
    fc.integer({ min: 1, max: 200 }),
  )
  const params = fc.dictionary(
    fc.constantFrom(
      'repo',
      'collection',
      'limit',
      'cursor',
      'reverse',
      'actor',
      'filter',
      'uris',
      'includePins',
    ),
    value,
    { noNullPrototype: true },
  )
  for (const nsid of nsids) {
    const schema = await methodSchema(nsid)
    assert.ok(schema?.params)
    fc.assert(
      fc.property(params, (given) => {
        const official = safeParse(schema.params!, given)
        const ours = lexicons.validateParams(nsid, given)
        assert.equal(ours.status === 'valid', official.ok, JSON.stringify(given))
        if (official.ok && ours.status === 'valid') assert.deepEqual(ours.value, official.value)
      }),
      { numRuns: 1000 },
    )
  }
})
