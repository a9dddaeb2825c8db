import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Asks, judge, visibilityOf, withVisibility } from './labels.ts'

const author = 'did:plc:author'
const service = 'did:plc:service'
const label = (val: string, src = service) => ({ val, src })
const pref = (name: string, visibility: string, labelerDid?: string) => ({
  $type: 'app.bsky.actor.defs#contentLabelPref',
  label: name,
  visibility,
  ...(labelerDid ? { labelerDid } : {}),
})

describe('labels', () => {
  it('cover adult and graphic pictures until the person says otherwise', () => {
    for (const val of ['porn', 'sexual', 'graphic-media', 'gore']) {
      const judged = judge([label(val)], author, [])
      assert.ok(judged.media, val)
      assert.equal(judged.content, undefined)
    }
    assert.deepEqual(judge([label('nudity')], author, []), { marks: [] })
    assert.deepEqual(judge([label('porn')], author, [pref('porn', 'ignore')]), { marks: [] })
    assert.ok(judge([label('sexual')], author, [pref('sexual', 'hide')]).hidden)
  })

  it('count in the author’s own mouth, except what only a service may say', () => {
    assert.ok(judge([label('porn', author)], author, []).media)
    assert.deepEqual(judge([label('!hide', author)], author, []), { marks: [] })
    assert.deepEqual(judge([label('!no-unauthenticated', author)], author, []), { marks: [] })
  })

  it('of a service hide and warn, whatever was preferred', () => {
    const list = [pref('!hide', 'ignore'), pref('!warn', 'ignore')]
    assert.ok(judge([label('!hide')], author, list).hidden)
    assert.ok(judge([label('!warn')], author, list).content)
  })

  it('that were taken back do not stand', () => {
    const judged = judge([label('!warn'), { ...label('!warn'), neg: true }], author, [])
    assert.deepEqual(judged, { marks: [] })
  })

  it('that are unknown are marks, and do as the person said of their service', () => {
    assert.deepEqual(judge([label('spam')], author, []).marks, [label('spam')])
    const list = [pref('spam', 'hide', 'did:plc:other'), pref('spam', 'warn', service)]
    assert.ok(judge([label('spam')], author, list).content)
    assert.equal(visibilityOf(list, 'spam', 'did:plc:third'), 'ignore')
  })

  it('read the older words and names', () => {
    assert.equal(visibilityOf([pref('gore', 'show')], 'graphic-media'), 'ignore')
    const adult = { $type: 'app.bsky.actor.defs#adultContentPref', enabled: false }
    assert.equal(visibilityOf([adult], 'porn'), 'hide')
  })

  describe('that their labeler explains', () => {
    const words: Record<string, Asks> = {
      rumour: { blurs: 'content', severity: 'alert', preset: 'warn' },
      gore: { blurs: 'media', severity: 'none', preset: 'hide' },
      satire: { blurs: 'none', severity: 'inform', preset: 'warn' },
      quiet: { blurs: 'none', severity: 'none', preset: 'warn' },
      off: { blurs: 'none', severity: 'inform', preset: 'ignore' },
      adult: { blurs: 'media', severity: 'none', preset: 'warn', adultOnly: true },
    }
    const meaning = (src: string, val: string) => (src === service ? words[val] : undefined)
    const judged = (val: string, list: ReturnType<typeof pref>[] = [], src = service) =>
      judge([label(val, src)], author, list, meaning)

    it('cover words or pictures, are left out, are marks or nothing, as it says', () => {
      assert.ok(judged('rumour').content)
      assert.deepEqual(judged('satire').marks, [label('satire')])
      assert.deepEqual(judged('quiet'), { marks: [] })
      assert.deepEqual(judged('off'), { marks: [] })
      assert.ok(judged('adult').media)
    })

    it('do what the person said of this labeler', () => {
      assert.deepEqual(judged('rumour', [pref('rumour', 'ignore', service)]), { marks: [] })
      assert.ok(judged('satire', [pref('satire', 'hide', service)]).hidden)
      assert.ok(judged('off', [pref('off', 'warn', service)]).marks.length)
      assert.ok(judged('rumour', [pref('rumour', 'ignore', 'did:plc:other')]).content)
    })

    it('mean what everybody means by them in the mouth of others', () => {
      assert.deepEqual(judged('rumour', [], 'did:plc:other').marks.length, 1)
      assert.deepEqual(judged('rumour', [], author).marks.length, 1)
      const hide = { ...words.rumour!, preset: 'ignore' as const }
      assert.ok(judge([label('!warn')], author, [], () => hide).content)
    })

    it('cover until it has been read what they mean', () => {
      const unread = () => 'unread' as const
      assert.ok(judge([label('rumour')], author, [], unread).content)
      assert.ok(judge([label('porn')], author, [], unread).media)
    })

    it('and are for adults are left out for whoever wants none, until they ask for them', () => {
      const none = { $type: 'app.bsky.actor.defs#adultContentPref', enabled: false }
      assert.ok(judge([label('adult')], author, [none], meaning).hidden)
      const wanted = withVisibility([none], 'adult', 'warn', service, true)
      assert.deepEqual(wanted[0], { ...none, enabled: true })
      assert.ok(judge([label('adult')], author, wanted, meaning).media)
      assert.deepEqual(withVisibility([none], 'adult', 'hide', service, true)[0], none)
    })
  })

  it('preferred anew replace only the person’s own word of the same kind', () => {
    const list = [pref('porn', 'hide', service), pref('porn', 'hide'), pref('sexual', 'hide')]
    assert.deepEqual(withVisibility(list, 'porn', 'warn'), [
      pref('porn', 'hide', service),
      pref('sexual', 'hide'),
      pref('porn', 'warn'),
    ])
  })
})
