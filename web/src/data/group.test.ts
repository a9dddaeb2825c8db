import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Groupable, group } from './group.ts'

let made = 0
const note = (reason: string, did: string, hour: number, more: Partial<Groupable> = {}) => ({
  uri: `at://${did}/x/${++made}`,
  author: { did },
  reason,
  isRead: false,
  indexedAt: new Date(Date.UTC(2026, 0, 10) - hour * 3600_000).toISOString(),
  ...more,
})
const shape = (items: Groupable[]) =>
  group(items).map(({ first, items: all }) => `${first.reason} ${all.length}`)

describe('grouping notifications', () => {
  it('gathers likes of one post, in the place of the newest', () => {
    const post = { reasonSubject: 'at://me/post/1' }
    const list = [note('like', 'a', 1, post), note('follow', 'b', 2), note('like', 'c', 3, post)]
    assert.deepEqual(shape(list), ['like 2', 'follow 1'])
  })

  it('keeps likes of different posts apart', () => {
    const list = [
      note('like', 'a', 1, { reasonSubject: 'x' }),
      note('like', 'b', 2, { reasonSubject: 'y' }),
    ]
    assert.deepEqual(shape(list), ['like 1', 'like 1'])
  })

  it('never gathers replies', () => {
    const about = { reasonSubject: 'x' }
    assert.deepEqual(shape([note('reply', 'a', 1, about), note('reply', 'b', 2, about)]), [
      'reply 1',
      'reply 1',
    ])
  })

  it('keeps new ones apart from those seen, and far days apart', () => {
    assert.deepEqual(shape([note('follow', 'a', 1), note('follow', 'b', 2, { isRead: true })]), [
      'follow 1',
      'follow 1',
    ])
    assert.deepEqual(shape([note('follow', 'a', 1), note('follow', 'b', 72)]), [
      'follow 1',
      'follow 1',
    ])
  })

  it('counts each person once', () => {
    const about = { reasonSubject: 'x' }
    assert.deepEqual(shape([note('like', 'a', 1, about), note('like', 'a', 2, about)]), ['like 1'])
  })
})
