/** What people read: timelines, threads, profiles, notifications, in both languages and all widths. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { moderator } from './fake/world.ts'
import { skip, stage } from './stage.ts'
import { settled, signInAs } from './steps.ts'

const pages = [
  '/',
  '/people',
  '/feeds',
  '/search',
  '/search?q=falaj',
  '/search?q=%23%D9%81%D9%84%D8%AC&in=latest',
  '/search?q=khalid&in=people',
  '/notifications',
  '/data',
  '/data/move',
  '/settings',
  '/settings/quiet',
  '/settings/service',
  `/settings/labels/${moderator}`,
  '/settings/standing',
  '/profile/sara.test',
  '/profile/maya.two.test/followers',
  '/profile/nobody.test',
  '/nowhere',
]

describe('reading', { skip }, () => {
  const set = stage()

  // One walk for all that is true of every page: opening pages is what costs time.
  for (const language of ['ar', 'en'] as const) {
    it(`every page speaks ${language} alone, names its controls, and fits its screen`, async () => {
      const { page, errors, url } = await set.open({ language })
      await signInAs(page, set.network, 'sara.test')
      for (const path of [...pages, threadPath()]) {
        await page.goto(url(path))
        await settled(page)
        const html = page.locator('html')
        assert.equal(await html.getAttribute('lang'), language)
        assert.equal(await html.getAttribute('dir'), language === 'ar' ? 'rtl' : 'ltr')
        assert.deepEqual(await foreignWords(page, language), [], path)
        assert.deepEqual(await nameless(page), [], path)
        assert.deepEqual(await headingJumps(page), [], `headings of ${path}`)
        assert.equal(await page.locator('h1').count(), 1, `${path} has one first heading`)
        for (const landmark of ['main', 'nav']) {
          assert.ok((await page.locator(landmark).count()) > 0, `${path} has ${landmark}`)
        }
        for (const width of [390, 768, 1280]) {
          const over = await widerThan(page, width)
          assert.ok(over <= 0, `${over} px too wide: ${path} at ${width} in ${language}`)
        }
      }
      assert.deepEqual(errors, [])
    })
  }

  it('Arabic and Latin come from the bundled font', async () => {
    const { page, url } = await set.open({ language: 'ar' })
    const fonts: string[] = []
    page.on('response', (response) => {
      if (response.url().endsWith('.woff2')) fonts.push(response.url())
    })
    await page.goto(url('/profile/sara.test'))
    await settled(page)
    const loaded = await page.evaluate(() =>
      ['سارة', 'Sara'].every((text) => document.fonts.check('16px "Readex Pro"', text)),
    )
    assert.ok(loaded)
    assert.ok(fonts.some((name) => name.includes('readex-pro-arabic')))
    assert.ok(fonts.every((name) => name.startsWith(set.network.urls.web)))
  })

  it('a visitor reads profiles and threads without an account', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await page.goto(url(threadPath()))
    await settled(page)
    await page.getByText('Beautiful. Which season is this?').waitFor()
    await page.goto(url('/profile/maya.two.test'))
    await page.getByText('Networks, gardens').waitFor()
    assert.equal(await page.getByRole('button', { name: /Follow/ }).count(), 0)
  })

  it('keeps a handle in one piece inside Arabic', async () => {
    const { page, url } = await set.open({ language: 'ar', width: 390 })
    await page.goto(url('/profile/sara.test'))
    await settled(page)
    // The sign stands before the name from left to right, also in a right-to-left line.
    const order = await page.evaluate(() => {
      const text = [...document.querySelectorAll('.post-text bdi[dir=ltr]')].find((one) =>
        one.textContent?.startsWith('@maya'),
      )?.firstChild
      const at = (from: number) => {
        const range = document.createRange()
        range.setStart(text!, from)
        range.setEnd(text!, from + 1)
        return range.getBoundingClientRect().left
      }
      return at(0) < at(1)
    })
    assert.ok(order)
  })

  it('going back finds the timeline where it was left', async () => {
    const { page } = await set.open({ language: 'en', height: 500 })
    await signInAs(page, set.network, 'sara.test')
    await settled(page)
    await page.evaluate(() => scrollTo(0, 700))
    await page.waitForFunction(() => scrollY > 600)
    const before = await page.evaluate(() => scrollY)
    const calls = set.network.calls.filter((call) => call.endsWith('getTimeline')).length
    await page.locator('nav a[href="/settings"]').click()
    await page.waitForURL('**/settings')
    await page.goBack()
    await page.waitForFunction((top) => Math.abs(scrollY - top) < 3, before)
    assert.equal(set.network.calls.filter((call) => call.endsWith('getTimeline')).length, calls)
  })

  it('notifications gather what says the same, and are seen once they were looked at', async () => {
    set.network.world.seenAt = ''
    const { page } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'sara.test')
    await page.locator('.nav-count').waitFor()
    await page.locator('nav a[href="/notifications"]').click()
    await page.getByText('and 2 others liked your post').waitFor()
    await page.getByText('Replied to you').waitFor()
    await page.locator('.nav-count').waitFor({ state: 'detached' })
    assert.ok(set.network.calls.includes('POST app.bsky.notification.updateSeen'))
  })

  it('the keyboard walks the posts, also under an Arabic layout', async () => {
    const { page } = await set.open({ language: 'ar' })
    await signInAs(page, set.network, 'khalid.test')
    await settled(page)
    // What an Arabic keyboard sends from the place of J.
    const press = (code: string, key: string) =>
      page.evaluate(
        ([code, key]) =>
          document.activeElement!.dispatchEvent(
            new KeyboardEvent('keydown', { code, key, bubbles: true, cancelable: true }),
          ),
        [code, key],
      )
    await press('KeyJ', 'ت')
    const first = await page.evaluate(() => document.activeElement?.getAttribute('data-uri'))
    assert.ok(first)
    await press('KeyJ', 'ت')
    const second = await page.evaluate(() => document.activeElement?.getAttribute('data-uri'))
    assert.notEqual(second, first)
    await press('KeyK', 'ن')
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('data-uri')), first)
    await press('KeyN', 'ى')
    await page.locator('dialog textarea').waitFor()
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })
  })

  it('the first stop of the keyboard is the way past the menu', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await page.goto(url('/settings'))
    await settled(page)
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement?.className), 'skip')
  })

  function threadPath(): string {
    const { world } = set.network
    const water = world.posts.find(({ record }) => record.text.includes('#فلج'))!
    return `/profile/khalid.test/post/${water.uri.split('/').at(-1)}`
  }
})

/** By how much the page sticks out of a screen this wide, once it has fitted itself to it. */
async function widerThan(page: Page, width: number): Promise<number> {
  await page.setViewportSize({ width, height: 900 })
  return page.evaluate(async () => {
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
    return document.documentElement.scrollWidth - document.documentElement.clientWidth
  })
}

/** Controls and pictures that a screen reader would have no word for. */
function nameless(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('a, button, input, textarea, img')]
      .filter((element) => {
        if (element instanceof HTMLImageElement) return !element.hasAttribute('alt')
        if (element instanceof HTMLInputElement && element.type === 'file') return false
        const labels = 'labels' in element ? (element as HTMLInputElement).labels?.length : 0
        return !element.textContent?.trim() && !element.getAttribute('aria-label') && !labels
      })
      .map(({ outerHTML }) => outerHTML.slice(0, 120)),
  )
}

/** Headings of the page itself that skip a step on the way down. */
async function headingJumps(page: Page): Promise<string[]> {
  const levels = await page
    .locator('main :is(h1, h2, h3, h4)')
    .evaluateAll((all) => all.map(({ tagName }) => Number(tagName[1])))
  return levels.flatMap((level, index) =>
    level > (levels[index - 1] ?? 0) + 1 ? [`${levels[index - 1] ?? 0} to ${level}`] : [],
  )
}

/** Words of the frame in the other language: what people wrote, and names and addresses, left out. */
function foreignWords(page: Page, language: 'ar' | 'en'): Promise<string[]> {
  return page.evaluate((spoken) => {
    const foreign = spoken === 'ar' ? /\p{Script=Latin}{2}/u : /\p{Script=Arabic}/u
    const theirs = '[dir=auto], bdi, code, kbd, .avatar, time[title], [lang]:not(html), .suffix'
    const found: string[] = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const text = node.textContent ?? ''
      if (!foreign.test(text) || node.parentElement?.closest(theirs)) continue
      if (node.parentElement?.closest('noscript, script, style')) continue
      found.push(text)
    }
    return found
  }, language)
}
