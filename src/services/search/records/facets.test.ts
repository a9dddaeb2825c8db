import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { domainFacet, languageFacets, linkFacets, tagFacet, urlFacet } from './facets.ts'

test('a language stands for its primary tag too', () => {
  assert.deepEqual(languageFacets('ar'), ['lang:ar'])
  assert.deepEqual(languageFacets('pt-BR'), ['lang:pt-br', 'lang:pt'])
  assert.deepEqual(languageFacets('zh-Hans-CN'), ['lang:zh-hans-cn', 'lang:zh'])
  assert.deepEqual(languageFacets('no tag'), [])
})

test('tags are folded as words are', () => {
  assert.equal(tagFacet('Falaj'), 'tag:falaj')
  assert.equal(tagFacet('الفَلَج'), tagFacet('فلج'))
  assert.equal(tagFacet('تراث_عُمان'), tagFacet('تراث عمان'))
  assert.equal(tagFacet('🎉'), 'tag:🎉')
  assert.equal(tagFacet('!'), undefined)
})

test('a link is found by its address and by the domains it is under', () => {
  assert.deepEqual(linkFacets('https://News.Example.com/a/?b=C#d'), [
    'url:news.example.com/a?b=C',
    'domain:news.example.com',
    'domain:example.com',
  ])
  assert.deepEqual(linkFacets('http://localhost/'), ['url:localhost', 'domain:localhost'])
  assert.deepEqual(linkFacets('http://127.0.0.1/'), ['url:127.0.0.1', 'domain:127.0.0.1'])
  assert.deepEqual(linkFacets('at://did:plc:a/b'), [])
  assert.deepEqual(linkFacets('mailto:a@b.c'), [])
  assert.deepEqual(linkFacets('nonsense'), [])
  assert.ok(linkFacets(`https://${'a.'.repeat(60)}com/`).length <= 5)
})

test('schemes, www, fragments and closing slashes do not tell links apart', () => {
  for (const url of ['http://example.com', 'https://www.example.com/', 'https://example.com/#x'])
    assert.equal(urlFacet(url), 'url:example.com')
  assert.equal(domainFacet('WWW.Example.com.'), 'domain:example.com')
  assert.equal(domainFacet('www.com'), 'domain:www.com')
  assert.equal(domainFacet('عُمان.example'), 'domain:xn--mgb9awbf6b.example')
  assert.equal(domainFacet('a b'), undefined)
})

test('no facet holds a space, and none is long', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl()), (text) => {
      const facets = [
        tagFacet(text),
        urlFacet(text),
        domainFacet(text),
        ...languageFacets(text),
        ...linkFacets(text),
        ...linkFacets(`https://example.com/${text}`),
      ]
      for (const facet of facets) {
        if (facet === undefined) continue
        assert.doesNotMatch(facet, /[\s\0]/)
        assert.ok(facet.length <= 300)
      }
    }),
    { numRuns: 3_000 },
  )
})
