import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pinnedFeeds, savedFeeds, withPinned } from './saved-feeds.ts'

const v2 = 'app.bsky.actor.defs#savedFeedsPrefV2'
const uri = 'at://did:plc:x/app.bsky.feed.generator/liked'
const other = 'at://did:plc:y/app.bsky.feed.generator/art'
const ids = () => {
  let n = 0
  return () => `3kaaaaaaaaaa${String.fromCharCode(97 + n++)}`
}

describe('saved feeds', () => {
  it('are empty before anything was saved', () => {
    assert.deepEqual(savedFeeds(undefined), [])
    assert.deepEqual(pinnedFeeds([{ $type: v2 }]), [])
  })

  it('gain a pinned feed after the timeline, and leave what others wrote alone', () => {
    const theirs = { $type: 'app.bsky.actor.defs#adultContentPref', enabled: true }
    const next = withPinned([theirs], uri, true, ids())
    assert.deepEqual(next[0], theirs)
    assert.deepEqual(
      savedFeeds(next).map(({ type, value, pinned }) => [type, value, pinned]),
      [
        ['timeline', 'following', true],
        ['feed', uri, true],
      ],
    )
    assert.deepEqual(pinnedFeeds(next), [uri])
  })

  it('keep the item, its key and its place when it is unpinned and pinned again', () => {
    const item = { id: '3kabcdefghijk', type: 'feed', value: other, pinned: true, note: 'theirs' }
    const home = { id: '3kabcdefghijl', type: 'timeline', value: 'following', pinned: true }
    const list = [{ $type: v2, items: [item, home], extra: 1 }]
    const off = withPinned(list, other, false, ids())
    assert.deepEqual(off, [{ $type: v2, items: [{ ...item, pinned: false }, home], extra: 1 }])
    assert.deepEqual(withPinned(off, other, true, ids()), list)
  })

  it('of the first version are read as they were meant, and written as the second', () => {
    const first = 'app.bsky.actor.defs#savedFeedsPref'
    const list = [{ $type: first, saved: [uri, other], pinned: [other] }]
    assert.deepEqual(pinnedFeeds(list), [other])
    const next = withPinned(list, uri, true, ids())
    assert.deepEqual(next[0], list[0])
    assert.deepEqual(pinnedFeeds(next), [other, uri])
    assert.ok(savedFeeds(next).every(({ id }) => /^3k\w{11}$/.test(id)))
  })
})
