/** Each layer as a process of its own, stopped in turn: what is said, what goes on, that it comes back. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { type Browser, builtClient, openBrowser } from './browser.ts'
import { type Name, type Separate, startSeparate } from './separate.ts'
import { skip } from './stage.ts'
import { settled } from './steps.ts'

const password = 'four plain words here'

describe('a layer that is stopped', { skip }, () => {
  let net: Separate
  const browsers: Browser[] = []
  /** Reads Arabic, and lives at the first host. */
  let sara: Page
  /** Reads English, and lives at the second. */
  let khalid: Page
  const url = (path: string) => net.url('web') + path

  before(async () => {
    const [started] = await Promise.all([startSeparate(), builtClient()])
    net = started
    sara = await signedUp('ar', 'sara', 'سارة البلوشي', 0)
    khalid = await signedUp('en', 'khalid', 'Khalid al-Harthi', 1)
    await write(sara, 'الماء في الفلج مِلكٌ للجميع. #فلج')
    await write(khalid, 'Water finds its way.')
    await come(khalid, '/profile/sara.test', 'main article')
    await khalid.locator('main').getByRole('button', { name: 'Follow سارة البلوشي' }).click()
    await khalid.locator('main').getByRole('button', { name: 'Stop following' }).waitFor()
    await come(khalid, '/feeds', '.feed-card')
  })

  after(async () => {
    for (const browser of browsers) await browser.close()
    await net?.end()
  })

  async function signedUp(language: 'ar' | 'en', handle: string, name: string, host: number) {
    const browser = await openBrowser({ language })
    browsers.push(browser)
    const { page } = browser
    await page.goto(url('/sign-up'))
    await page.locator('input[type=radio]').nth(host).check()
    await page.locator('input[autocomplete=name]').fill(name)
    await page.locator('input[autocomplete=username]').fill(handle)
    await page.locator('input[type=password]').fill(password)
    await page.locator('form button[type=submit]').click()
    await page.waitForURL(url('/people'))
    return page
  }

  async function write(page: Page, text: string) {
    await page.goto(url('/'))
    await page.locator('.composer-line').click()
    await page.locator('dialog textarea').fill(text)
    await page.locator('dialog button[type=submit]').click()
    await page.locator('dialog').waitFor({ state: 'detached' })
  }

  /** Opens a page again until it has what travels there. */
  async function come(page: Page, path: string, selector: string) {
    for (let round = 0; round < 60; round++) {
      await page.goto(url(path))
      await settled(page)
      if ((await page.locator(selector).count()) > 0) return
      await page.waitForTimeout(250)
    }
    assert.fail(`${selector} did not come to ${path}`)
  }

  /** Stops a layer while `look` looks, and starts it again. */
  async function without(name: Name, look: () => Promise<void>) {
    await net.kill(name)
    try {
      await look()
    } finally {
      await net.start(name)
    }
  }

  /** What the channel says of a layer, on a page of the person's own. */
  async function told(page: Page, path: string, layer: string, words: string) {
    await page.goto(url(path))
    const stop = page.locator(`.stop[data-layer=${layer}][data-health=down]`)
    await stop.getByText(words).waitFor()
    assert.equal(await page.locator('.stop[data-health=down]').count(), 1)
  }

  it('search: found nothing is not said; reading and profiles go on', async () => {
    await without('search', async () => {
      await sara.goto(url('/search?q=%D9%81%D9%84%D8%AC'))
      await sara.getByRole('heading', { name: 'البحث لا يجيب' }).waitFor()
      await khalid.goto(url('/'))
      await khalid.locator('main article').first().waitFor()
      await told(sara, '/data', 'search', 'القراءة والكتابة ماضيتان')
    })
    await come(sara, '/search?q=%D9%81%D9%84%D8%AC', 'main article')
  })

  it('feeds: the feed says so, the people one follows are there', async () => {
    await khalid.goto(url('/feeds'))
    const feed = khalid.locator('.feed-card h3 a').last()
    const path = new URL(await feed.evaluate((a) => (a as HTMLAnchorElement).href))
    await without('feeds', async () => {
      await khalid.goto(path.href)
      await khalid.getByRole('heading', { name: 'This feed is not answering' }).waitFor()
      await khalid.goto(url('/'))
      await khalid.locator('main article').first().waitFor()
      await told(khalid, '/settings/service', 'feeds', 'your pinned feeds wait')
    })
    await khalid.goto(path.href)
    await settled(khalid)
    assert.equal(await khalid.locator('main [role=alert]').count(), 0)
  })

  it('moderation: a report is not lost, and is taken when they are back', async () => {
    await khalid.goto(url('/profile/sara.test'))
    await khalid.locator('main article .menu > button').first().click()
    await khalid.getByRole('menuitem', { name: 'Report this post' }).click()
    await khalid.getByRole('radio', { name: /Spam/ }).check()
    await without('moderation', async () => {
      await khalid.getByRole('button', { name: 'Send report' }).click()
      await khalid.locator('dialog').getByText('The moderators are not answering').waitFor()
      await told(sara, '/settings/service', 'moderation', 'والبلاغات الجديدة تنتظر')
      await sara.goto(url('/settings/standing'))
      await sara.getByRole('heading', { name: 'المشرفون لا يجيبون' }).waitFor()
    })
    await khalid.getByRole('button', { name: 'Send report' }).click()
    await khalid.getByText('Thank you for telling.').waitFor()
  })

  it('the view: search is not blamed for it, and one’s data can still be counted', async () => {
    await without('appview', async () => {
      await sara.goto(url('/'))
      await sara.getByRole('heading', { name: 'العرض لا يجيب' }).waitFor()
      await khalid.goto(url('/search?q=falaj'))
      await khalid.getByRole('heading', { name: 'The view is not answering' }).waitFor()
      await told(sara, '/data', 'view', 'بياناتك عند مضيفك كما هي')
      await settled(sara)
      assert.notEqual(await sara.locator('.figure dd').first().textContent(), '')
    })
    await come(sara, '/', 'main article')
  })

  it('the relay: one goes on writing, and it flows on when the relay is back', async () => {
    await without('relay', async () => {
      await write(sara, 'كتبتُ هذا والمُرحّل غائب.')
      await told(sara, '/data', 'relay', 'واصل النشر')
    })
    await come(khalid, '/', 'text=كتبتُ هذا والمُرحّل غائب.')
  })

  it('the directory: posts are read; signing in says what it waits for', async () => {
    await without('plc', async () => {
      await khalid.goto(url('/'))
      await khalid.locator('main article').first().waitFor()
      await told(khalid, '/data', 'identity', 'proven by keys, not by the directory')
      const visitor = await openBrowser({ language: 'en', width: 390 })
      browsers.push(visitor)
      await visitor.page.goto(url('/sign-in'))
      await visitor.page.locator('input[autocomplete=username]').fill('sara.test')
      await visitor.page.locator('input[type=password]').fill(password)
      await visitor.page.locator('form button[type=submit]').click()
      await visitor.page.getByText('The directory is not answering').waitFor()
    })
  })

  it('one’s own host: others are read, nothing is called lost; others read one all the same', async () => {
    await without('pds', async () => {
      await sara.goto(url('/profile/khalid.two.test'))
      await sara.getByText('Water finds its way.').waitFor()
      await sara.getByRole('status').getByText('واصل القراءة').waitFor()
      await sara.goto(url('/'))
      await sara.getByRole('heading', { name: 'مضيفك لا يجيب' }).waitFor()
      await told(sara, '/data', 'host', 'والكتابة تنتظر عودته')

      await khalid.goto(url('/profile/sara.test'))
      await khalid.getByText('الماء في الفلج').waitFor()
      await khalid.getByText('The host of this account').waitFor()
    })
    await sara.goto(url('/'))
    await sara.locator('main article').first().waitFor()
    assert.equal(await sara.locator('.banner').count(), 0)
  })

  it('never makes the page itself fail', () => {
    for (const { errors } of browsers) assert.deepEqual(errors, [])
  })
})
