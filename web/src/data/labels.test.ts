import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { judge, visibilityOf, withVisibility } from './labels.ts'

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

  it('preferred anew replace only the person’s own word of the same kind', () => {
    const list = [pref('porn', 'hide', service), pref('porn', 'hide'), pref('sexual', 'hide')]
    assert.deepEqual(withVisibility(list, 'porn', 'warn'), [
      pref('porn', 'hide', service),
      pref('sexual', 'hide'),
      pref('porn', 'warn'),
    ])
  })
})
