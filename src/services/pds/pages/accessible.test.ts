/** What somebody needs who does not see a page, or sees it badly, or has no mouse: on every page, in both languages. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { pages } from '../pages.ts'
import type { Pds } from '../parts.ts'
import { TestHost } from '../testing/host.test-support.ts'
import { Browser } from './browser.test-support.ts'

let host: TestHost
before(async () => {
  host = await TestHost.open()
})
after(() => host.close())

const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)]

test('every field has a label, headings go down step by step, and every button says what it does', async () => {
  const alice = await host.signUp('alice')
  const paths = pages({} as Pds).map(({ path }) => path)
  for (const language of ['ar', 'en']) {
    const stranger = new Browser(host, { 'accept-language': language, accept: 'text/html' })
    const owner = new Browser(host, { 'accept-language': language, accept: 'text/html' })
    await owner.signIn(alice)
    for (const browser of [stranger, owner])
      for (const path of paths.filter((one) => !/\.(zip|car)$/.test(one))) {
        const { text } = await browser.open(path)
        const where = `${path} in ${language}`
        assert.ok(
          text.includes(`lang="${language}" dir="${language === 'ar' ? 'rtl' : 'ltr'}"`),
          where,
        )
        assert.match(text, /<a class="skip" href="#main">[^<]+<\/a>/, where)
        assert.equal(all(text, /<main id="main"/g).length, 1, where)
        assert.equal(all(text, /<h1\b/g).length, 1, `${where}: one title`)
        const levels = all(text, /<h([1-6])\b/g).map((match) => Number(match[1]))
        for (const [i, level] of levels.entries())
          assert.ok(i === 0 || level <= levels[i - 1]! + 1, `${where}: ${levels}`)
        for (const [tag] of all(text, /<(?:input|select|textarea)\b[^>]*>/g)) {
          if (/type="hidden"/.test(tag)) continue
          const id = /\bid="([^"]+)"/.exec(tag)?.[1]
          const isNamed =
            /aria-label(ledby)?="/.test(tag) ||
            (id !== undefined && text.includes(`<label for="${id}">`)) ||
            all(text, /<label\b[^>]*>[\s\S]*?<\/label>/g).some(([label]) => label.includes(tag))
          assert.ok(isNamed, `${where}: ${tag}`)
        }
        for (const [, inside] of all(text, /<button\b[^>]*>([\s\S]*?)<\/button>/g))
          assert.ok(inside!.replaceAll(/<[^>]*>/g, '').trim() !== '', `${where}: an empty button`)
        assert.doesNotMatch(text, /tabindex="[1-9]/, `${where}: the order of the page is the order`)
      }
  }
})

/** Relative luminance, as WCAG 2.2 has it. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
}

test('text stands out from its ground, by day and by night, and focus is seen', () => {
  const style = String(readFileSync(new URL('./files/style.css', import.meta.url)))
  const [light, dark] = style.split('prefers-color-scheme: dark')
  for (const [name, part] of [
    ['light', light!],
    ['dark', dark!],
  ] as const) {
    const colour = (token: string) => {
      const found = new RegExp(`--${token}:\\s*(#[0-9a-f]{6})`).exec(part)?.[1]
      assert.ok(found, `${name}: --${token}`)
      return luminance(found)
    }
    const ground = colour('paper')
    for (const token of ['ink', 'ink-2', 'ink-3', 'water', 'water-ink']) {
      const [a, b] = [colour(token), ground].toSorted((x, y) => y - x)
      assert.ok((a! + 0.05) / (b! + 0.05) >= 4.5, `${name}: --${token} on --paper`)
    }
  }
  assert.match(style, /:focus-visible[^{]*\{[^}]*outline/)
})
