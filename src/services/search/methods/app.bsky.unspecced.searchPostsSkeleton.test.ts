import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Scene, type Writer } from '../scene.test-support.ts'

const METHOD = 'app.bsky.unspecced.searchPostsSkeleton'
const link = (uri: string) => ({
  facets: [
    {
      index: { byteStart: 0, byteEnd: 1 },
      features: [{ $type: 'app.bsky.richtext.facet#link', uri }],
    },
  ],
})
const image = (alt: string) => ({
  $type: 'app.bsky.embed.images',
  images: [
    {
      alt,
      image: {
        $type: 'blob',
        ref: { $link: 'bafkreibme22gw2h7y2h7tg2fhqotaqjucnbc24deqo72b6mkl2egezxhvy' },
        mimeType: 'image/png',
        size: 10,
      },
    },
  ],
})
const strong = (uri: string) => ({
  uri,
  cid: 'bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a',
})

describe('searchPostsSkeleton', () => {
  let scene: Scene
  let alice: Writer
  let bob: Writer
  const uris: Record<string, string> = {}

  before(async () => {
    scene = await new Scene().start()
    alice = scene.writer('alice')
    bob = scene.writer('bob')
    const say = async (name: string, writer: Writer, text: string, more: object = {}) => {
      uris[name] = writer.post(text, more)
      await scene.outside.advance(60_000)
    }
    await say('falaj', alice, 'الفَلَجُ مِيراثُ الأَجداد', { langs: ['ar'] })
    await say('water', bob, 'ماء الفلج للجميع', { langs: ['ar-OM'] })
    await say('english', bob, 'The falaj brings water to the gardens of Nizwa', { langs: ['en'] })
    await say('cafe', alice, 'A quiet Café in the old market', {
      langs: ['en'],
      tags: ['Coffee'],
      ...link('https://www.Example.com/menu/?a=1#top'),
    })
    await say('reply', bob, 'I was there, good water too', {
      reply: { root: strong(uris.cafe!), parent: strong(uris.cafe!) },
    })
    await say('picture', alice, 'look', { embed: image('نافورة ماء في الحديقة') })
    await say('quote', bob, 'as she says @alice', {
      embed: { $type: 'app.bsky.embed.record', record: strong(uris.falaj!) },
      facets: [
        {
          index: { byteStart: 12, byteEnd: 18 },
          features: [{ $type: 'app.bsky.richtext.facet#mention', did: alice.did }],
        },
        {
          index: { byteStart: 0, byteEnd: 2 },
          features: [{ $type: 'app.bsky.richtext.facet#tag', tag: 'تُراث_عُمان' }],
        },
      ],
    })
    await say('party', bob, 'it is done 🎉🎉 日本語のテスト', { langs: ['ja'] })
    await scene.settle()
  })
  after(() => scene.close())

  const FOUND: readonly [q: string, ...names: string[]][] = [
    ['فلج', 'water', 'falaj'],
    ['الفلج', 'water', 'falaj'],
    ['الفَلَجُ', 'water', 'falaj'],
    ['ميراث الأجداد', 'falaj'],
    ['اجداد ميراث', 'falaj'],
    ['ماء', 'picture', 'water'],
    ['"ماء الفلج"', 'water'],
    ['«ماء الفلج»', 'water'],
    ['"الفلج ماء"'],
    ['WATER', 'reply', 'english'],
    ['cafe', 'cafe'],
    ['café', 'cafe'],
    ['water nizwa', 'english'],
    ['"old market"', 'cafe'],
    ['"market old"'],
    ['from:alice.test', 'picture', 'cafe', 'falaj'],
    ['from:@Alice.Test look', 'picture'],
    ['from:nobody.test'],
    ['from:alice.test from:bob.test'],
    ['mentions:alice.test', 'quote'],
    ['to:alice.test', 'quote'],
    ['#coffee', 'cafe'],
    ['#تراث_عمان', 'quote'],
    ['#التراث_عمان', 'quote'],
    ['#تراث'],
    ['lang:ar', 'water', 'falaj'],
    ['lang:ar-OM', 'water'],
    ['lang:fr'],
    ['domain:example.com', 'cafe'],
    ['domain:www.example.com', 'cafe'],
    ['domain:example.org'],
    ['url:http://example.com/menu?a=1', 'cafe'],
    ['is:reply', 'reply'],
    ['is:quote', 'quote'],
    ['water is:reply', 'reply'],
    ['🎉', 'party'],
    ['日本', 'party'],
    ['本日'],
    ['   '],
    ['!!! "" :: ()'],
  ]
  for (const [q, ...names] of FOUND) {
    test(`«${q}» finds ${names.join(', ') || 'nothing'}`, async () => {
      assert.deepEqual(
        await scene.posts(q),
        names.map((name) => uris[name]),
      )
    })
  }

  test('parameters narrow what the text asks for', async () => {
    const found = async (params: object, ...names: string[]) =>
      assert.deepEqual(
        await scene.posts('water', params as never),
        names.map((name) => uris[name]),
      )
    await found({ author: bob.did }, 'reply', 'english')
    await found({ author: 'bob.test', lang: 'en' }, 'english')
    await found({ author: alice.did })
    await found({ mentions: alice.did })
    await found({ lang: 'ja' })
    await found({ tag: ['coffee'] })
    assert.deepEqual(await scene.posts('*', { tag: ['coffee'] }), [uris.cafe])
    assert.deepEqual(await scene.posts('*', { tag: ['coffee', 'tea'] }), [])
    assert.deepEqual(await scene.posts('*', { domain: 'example.com' }), [uris.cafe])
    assert.deepEqual(await scene.posts('market', { url: 'https://example.com/menu?a=1' }), [
      uris.cafe,
    ])
  })

  test('moments bound the answer, the first within, the last without', async () => {
    const start = Date.UTC(2026, 0, 1)
    const at = (minutes: number) => new Date(start + minutes * 60_000).toISOString()
    assert.deepEqual(await scene.posts('water', { since: at(3) }), [uris.reply])
    assert.deepEqual(await scene.posts('water', { since: at(2), until: at(4) }), [uris.english])
    assert.deepEqual(await scene.posts(`water since:${at(2)} until:${at(3)}`), [uris.english])
    assert.deepEqual(await scene.posts('water since:2026-01-02'), [])
    assert.equal((await scene.posts('water until:2026-01-02')).length, 2)
    assert.deepEqual(await scene.posts(`since:${at(7)}`), [uris.party])
    assert.equal((await scene.posts('*')).length, 8)
    assert.equal(await scene.refused(METHOD, { q: 'a', since: 'yesterday' }), 'BadQueryString')
    assert.equal(await scene.refused(METHOD, { q: 'a', until: '2026-13-01' }), 'BadQueryString')
  })

  test('from:me is who asks', async () => {
    assert.deepEqual(await scene.posts('from:me look', { viewer: alice.did }), [uris.picture])
    assert.deepEqual(await scene.posts('from:me look', { viewer: bob.did }), [])
    assert.deepEqual(await scene.posts('from:me look'), [])
  })

  for (const sort of ['latest', 'top']) {
    test(`pages of ${sort} follow each other without gaps, whatever comes meanwhile`, async () => {
      const whole = await scene.posts('water', { sort })
      const first = await scene.get(METHOD, { q: 'water', sort, limit: 1 })
      assert.equal(first.hitsTotal, 2)
      bob.post('water again')
      await scene.settle()
      const second = await scene.get(METHOD, {
        q: 'water',
        sort,
        limit: 1,
        cursor: first.cursor,
      })
      assert.equal(second.hitsTotal, undefined)
      assert.deepEqual(
        [...first.posts, ...second.posts].map(({ uri }) => uri),
        whole,
      )
      const third = await scene.get(METHOD, { q: 'water', sort, limit: 1, cursor: second.cursor })
      assert.deepEqual(third, { posts: [] })
      const [newest] = await scene.posts('water')
      bob.delete(newest!)
      await scene.settle()
    })
  }

  test('a cursor nobody gave is refused', async () => {
    for (const cursor of ['x', '-1', '1:2:3', '1.5'])
      for (const sort of ['latest', 'top'])
        assert.equal(await scene.refused(METHOD, { q: 'water', sort, cursor }), 'InvalidRequest')
    const far = await scene.get(METHOD, { q: 'water', cursor: '9999999999999999' })
    assert.equal(far.posts.length, 2)
    const offset = '9999999999999999:9999999999999999'
    const none = await scene.get(METHOD, { q: 'water', sort: 'top', cursor: offset })
    assert.deepEqual(none.posts, [])
  })

  test('queries have limits', async () => {
    assert.equal(await scene.refused(METHOD, { q: 'a'.repeat(1_001) }), 'BadQueryString')
    assert.equal(await scene.refused(METHOD, { q: 'a '.repeat(33) }), 'BadQueryString')
    assert.deepEqual(await scene.posts('b '.repeat(32)), [])
    const many = Array.from({ length: 5 }, (_, i) => `from:a${i}.test`).join(' ')
    assert.equal(await scene.refused(METHOD, { q: many }), 'BadQueryString')
  })

  test('a directory that is down is told as such', async () => {
    scene.isDirectoryDown = true
    const asking = scene.refused(METHOD, { q: 'from:unknown.test' })
    for (let i = 0; i < 20; i++) await scene.outside.advance(1_000)
    assert.match(await asking, /^Upstream(Failure|Timeout)$/)
    scene.isDirectoryDown = false
  })
})

test('the best match comes first, in both scripts', async () => {
  const scene = await new Scene().start()
  const writer = scene.writer('writer')
  const post = async (text: string) => {
    const uri = writer.post(text)
    await scene.outside.advance(1_000)
    return uri
  }
  const arabic = await post('الفلج والفلج، ثم الفلج')
  const english = await post('falaj, falaj and falaj')
  await post('مررنا اليوم في طريقنا بين الجبال على فلج صغير قرب القرية القديمة')
  await post('on our way between the mountains we saw a small falaj near the old village')
  for (let i = 0; i < 20; i++) await post(`nothing of the kind ${i} لا شيء من هذا`)
  await scene.settle()
  assert.equal((await scene.posts('فلج', { sort: 'top' }))[0], arabic)
  assert.notEqual((await scene.posts('فلج', { sort: 'latest' }))[0], arabic)
  assert.equal((await scene.posts('falaj', { sort: 'top' }))[0], english)
  assert.notEqual((await scene.posts('falaj', { sort: 'latest' }))[0], english)
  await scene.close()
})
