/** What letters say and how: languages, escaping, the two forms, what operators write. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { freeContent } from './free-content.ts'
import { languagesFor } from './languages.ts'
import { renderCode, renderMessage, renderNotice } from './render.ts'
import { notices, words } from './words.ts'

const frame = { handle: 'alice.test', host: 'https://pds.test', languages: ['ar', 'en'] as const }

test("a letter begins with the reader's own language", () => {
  const rows: [header: string | undefined, first: string][] = [
    [undefined, 'ar'],
    ['', 'ar'],
    ['*', 'ar'],
    ['ar', 'ar'],
    ['en', 'en'],
    ['en-GB,en;q=0.9,ar;q=0.8', 'en'],
    ['ar-OM, en;q=0.5', 'ar'],
    ['en;q=0.2, ar;q=0.7', 'ar'],
    ['ar;q=0, en', 'en'],
    ['fr-FR', 'en'],
    ['fr, ar;q=0.1', 'ar'],
    ['\u0000;q=zz, =,;;', 'ar'],
  ]
  for (const [header, first] of rows) assert.equal(languagesFor(header)[0], first, String(header))
})

test('text and HTML say the same, in both languages, each in its own direction', () => {
  for (const purpose of Object.keys(words) as (keyof typeof words)[]) {
    const { subject, text, html } = renderCode(purpose, 'ABCDE-FGHIJ', frame)
    for (const language of ['ar', 'en'] as const) {
      const { heading, about, otherwise } = words[purpose][language]
      for (const said of [heading, about, otherwise]) {
        assert.ok(text.includes(said), `${purpose} text: ${said}`)
        assert.ok(html.includes(said.replaceAll("'", '&#39;')), `${purpose} html: ${said}`)
      }
      assert.ok(subject.includes(words[purpose][language].subject))
    }
    assert.equal(text.match(/^ABCDE-FGHIJ$/gm)?.length, 2, 'a line of its own, in each language')
    assert.equal(html.match(/<bdi dir="ltr">ABCDE-FGHIJ<\/bdi>/g)?.length, 2)
    assert.match(html, /<div lang="ar" dir="rtl">[\s\S]*<div lang="en" dir="ltr">/)
    assert.doesNotMatch(subject, /ABCDE/)
    assert.doesNotMatch(html, /<img|<script|<link|https?:\/\//)
  }
  const english = renderCode('confirm-email', 'A', { ...frame, languages: ['en', 'ar'] })
  assert.match(english.html, /<html lang="en" dir="ltr">/)
  assert.ok(english.text.indexOf('Confirm') < english.text.indexOf('تأكيد'))
})

test('a letter about what happened says from what and where, and leads nowhere', () => {
  for (const purpose of Object.keys(notices) as (keyof typeof notices)[]) {
    const { text, html } = renderNotice(purpose, ['Firefox, Linux', '192.0.2.…'], frame)
    for (const language of ['ar', 'en'] as const) {
      const { heading, about, otherwise } = notices[purpose][language]
      for (const said of [heading, about, otherwise, 'Firefox, Linux', '192.0.2.…']) {
        assert.ok(text.includes(said) && html.includes(said), `${purpose}: ${said}`)
      }
    }
    assert.doesNotMatch(html, /<a |<img|https?:\/\//)
  }
})

test('whatever is put into a letter stays text', () => {
  const evil = '"><script>alert(1)</script>&'
  const { html } = renderCode('confirm-email', evil, { ...frame, handle: evil })
  assert.doesNotMatch(html, /<script/)
  const message = renderMessage(evil, '<p>hi</p>', frame)
  assert.doesNotMatch(message.html, /<script/)
  assert.ok(message.html.includes('&#60;script&#62;'))
})

test('what an operator writes in plain text keeps its lines', () => {
  const { html, text } = freeContent('One\r\ntwo <3 & more\r\n\r\nThree')
  assert.equal(html, '<p>One<br>two &#60;3 &#38; more</p><p>Three</p>')
  assert.equal(text, 'One\ntwo <3 & more\n\nThree')
})

test('what an operator writes in HTML is cut down to what is harmless', () => {
  const { html, text } = freeContent(
    `<div onclick="x()"><h2>Hello</h2><p style="x">See <a href='https://a.example/?x=1&amp;y=2' onmouseover=x>here</a>
     and <a href="javascript:alert(1)">there</a>.</p><img src=x onerror=alert(1)><script>bad()</script>
     <ul><li>one<li>two &lt;b&gt;</ul><style>p{}</style><!-- hidden --></div><b>unclosed`,
  )
  assert.doesNotMatch(html, /javascript|onclick|onerror|onmouseover|<img|style|bad\(|hidden|script/)
  assert.ok(html.includes('<a href="https://a.example/?x=1&#38;y=2" rel="noopener">here</a>'))
  assert.ok(html.includes('two &#60;b&#62;'))
  assert.ok(html.endsWith('<strong>unclosed</strong>'))
  assert.ok(text.includes('here (https://a.example/?x=1&y=2)'))
  assert.match(text, /- one\s+- two <b>/)
})

test('any content gives balanced HTML of known elements, and never fails', () => {
  const piece = fc.oneof(
    fc.constantFrom('<p>', '</p>', '<a href="https://a.example">', '</a>', '<b', '<!--', '-->'),
    fc.constantFrom('<script>', '</script>', '<ul><li>', '</ul>', '&lt;', '&#0;', '"', '<br>', '<'),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const { html } = freeContent(`<p>${pieces.join('')}`)
      const open: string[] = []
      for (const [tag, slash, name] of html.matchAll(/<(\/?)([a-z]+)[^>]*>/g)) {
        assert.match(
          tag,
          /^<\/?(p|br|strong|a|ul|li)( href="https:\/\/a\.example" rel="noopener")?>$/,
        )
        if (name === 'br') continue
        if (slash) assert.equal(open.pop(), name)
        else open.push(name!)
      }
      assert.deepEqual(open, [])
    }),
  )
})
