import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AppBskyFeedPost } from '@atcute/bluesky'
import type { Did } from '#protocol/syntax'
import { postDocument } from './post-document.ts'

const DID: Did = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const OTHER: Did = 'did:plc:bbbbbbbbbbbbbbbbbbbbbbbb'
const REF = { uri: `at://${OTHER}/app.bsky.feed.post/3l`, cid: 'bafy' }
const BLOB = { $type: 'blob', ref: { $link: 'bafy' }, mimeType: 'image/png', size: 1 }

const document = (post: object) =>
  postDocument(DID, {
    $type: 'app.bsky.feed.post',
    createdAt: '2026-01-01T00:00:00Z',
    text: '',
    ...post,
  } as AppBskyFeedPost.Main)
const facetsOf = (post: object) => document(post).facets.split(' ').slice(1)
const features = (...list: object[]) => ({
  facets: [{ index: { byteStart: 0, byteEnd: 1 }, features: list }],
})

test('a plain post has its words and its author', () => {
  assert.deepEqual(document({ text: 'الماء في الفلج' }), {
    text: 'ماء في فلج',
    alt: '',
    facets: `by:${DID}`,
  })
})

test('languages, tags of both kinds, links and mentions are filters', () => {
  const post = {
    langs: ['ar', 'en-GB'],
    tags: ['Water'],
    ...features(
      { $type: 'app.bsky.richtext.facet#tag', tag: 'water' },
      { $type: 'app.bsky.richtext.facet#tag', tag: 'فلج' },
      { $type: 'app.bsky.richtext.facet#link', uri: 'https://example.com/a' },
      { $type: 'app.bsky.richtext.facet#mention', did: OTHER },
      { $type: 'org.example.unknown' },
    ),
  }
  assert.deepEqual(facetsOf(post), [
    'lang:ar',
    'lang:en-gb',
    'lang:en',
    'tag:water',
    'tag:فلج',
    'url:example.com/a',
    'domain:example.com',
    `to:${OTHER}`,
  ])
})

test('replies and quotes are marked, and the card of a link counts as a link', () => {
  assert.deepEqual(facetsOf({ reply: { root: REF, parent: REF } }), ['is:reply'])
  assert.deepEqual(facetsOf({ embed: { $type: 'app.bsky.embed.record', record: REF } }), [
    'is:quote',
  ])
  const external = { uri: 'https://example.com', title: '', description: '' }
  const card = { $type: 'app.bsky.embed.external', external }
  assert.deepEqual(facetsOf({ embed: card }), ['url:example.com', 'domain:example.com'])
  const both = {
    $type: 'app.bsky.embed.recordWithMedia',
    record: { $type: 'app.bsky.embed.record', record: REF },
    media: card,
  }
  assert.deepEqual(facetsOf({ embed: both }), ['is:quote', 'url:example.com', 'domain:example.com'])
})

test('alt texts are searched wherever pictures and films hang', () => {
  const images = {
    $type: 'app.bsky.embed.images',
    images: [
      { alt: 'النخلة', image: BLOB },
      { alt: 'A palm', image: BLOB },
    ],
  }
  assert.equal(document({ embed: images }).alt, 'نخله a palm')
  const record = { $type: 'app.bsky.embed.record', record: REF }
  const both = { $type: 'app.bsky.embed.recordWithMedia', record, media: images }
  assert.equal(document({ embed: both }).alt, 'نخله a palm')
  const video = { $type: 'app.bsky.embed.video', video: BLOB, alt: 'a film' }
  assert.equal(document({ embed: video }).alt, 'a film')
  assert.equal(document({ embed: { ...video, alt: undefined } }).alt, '')
})

test('what one post brings is bounded', () => {
  const alt = 'word '.repeat(10_000)
  const images = { $type: 'app.bsky.embed.images', images: [{ alt, image: BLOB }] }
  assert.ok(document({ embed: images }).alt.length <= 8_000)
  const mentions = Array.from({ length: 500 }, (_, i) => ({
    $type: 'app.bsky.richtext.facet#tag',
    tag: `tag${i}`,
  }))
  assert.ok(facetsOf(features(...mentions)).length < 100)
})
