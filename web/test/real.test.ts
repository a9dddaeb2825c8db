/** The client against the whole network: what a person does on the first day. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { type Browser, builtClient, openBrowser } from './browser.ts'
import { landscape } from './fake/png.ts'
import { firstReply } from './first-day.ts'
import { skip } from './stage.ts'
import { settled } from './steps.ts'
import { startWhole, type Whole } from './whole.ts'

describe('the client and the whole network', { skip }, () => {
  let whole: Whole
  const browsers: Browser[] = []
  let sara: Page
  let khalid: Page

  before(async () => {
    await builtClient()
    whole = await startWhole()
    sara = await open('ar')
    khalid = await open('en')
  })

  after(async () => {
    for (const browser of browsers) await browser.close()
    await whole?.stop()
  })

  async function open(language: 'ar' | 'en'): Promise<Page> {
    const browser = await openBrowser({ language })
    browsers.push(browser)
    return browser.page
  }
  const url = (path: string) => whole.web + path

  async function signUp(page: Page, handle: string, name: string, host: number) {
    await page.goto(url('/sign-up'))
    await page.locator('input[type=radio]').nth(host).check()
    await page.locator('input[autocomplete=name]').fill(name)
    await page.locator('input[autocomplete=username]').fill(handle)
    await page.locator('input[type=password]').fill('four plain words here')
    await page.locator('form button[type=submit]').click()
    await page.waitForURL(url('/people'))
  }

  it('two people open accounts at two hosts', async () => {
    await signUp(sara, 'sara', 'سارة البلوشي', 0)
    await signUp(khalid, 'khalid', 'Khalid al-Harthi', 1)
    await khalid.locator('main').getByText('سارة البلوشي').waitFor()
  })

  it('one posts with a picture, the other follows and reads it at home', async () => {
    await sara.goto(url('/'))
    await sara.locator('.composer-line').click()
    await sara.locator('dialog textarea').fill('الماء في الفلج مِلكٌ للجميع. @khalid.two.test #فلج')
    await sara.locator('dialog input[type=file]').setInputFiles({
      name: 'falaj.png',
      mimeType: 'image/png',
      buffer: Buffer.from(landscape(1200, 700, [143, 195, 191], [12, 74, 87])),
    })
    await sara.locator('.composer-image textarea').fill('فلج دارس')
    await sara.locator('dialog button[type=submit]').click()
    await sara.locator('dialog').waitFor({ state: 'detached' })

    await khalid.goto(url('/profile/sara.test'))
    await khalid.locator('main').getByRole('button', { name: 'Follow سارة البلوشي' }).click()
    await khalid.locator('main').getByRole('button', { name: 'Stop following' }).waitFor()
    await visit(khalid, '/', 'main article')
    const image = khalid.locator('main article img[alt="فلج دارس"]')
    await image.waitFor()
    await khalid.waitForFunction(
      () =>
        (document.querySelector('main article .images img') as HTMLImageElement).naturalWidth > 0,
    )
    await khalid.locator('.post-text a', { hasText: '@khalid.two.test' }).waitFor()
  })

  it('a like and a reply come back as notifications', async () => {
    await khalid.locator('main article .act.like').first().click()
    await khalid.locator('main article .act.reply').first().click()
    await khalid.locator('dialog textarea').fill('And so is our data.')
    await khalid.locator('dialog button[type=submit]').click()
    await khalid.locator('dialog').waitFor({ state: 'detached' })
    await visit(sara, '/notifications', 'text=And so is our data.')
    await sara.getByText('إعجاب بمنشورك من').waitFor()
    await sara.getByText('متابعة جديدة من').waitFor()
  })

  it('what was posted is found by its words and its tag, and people by their name', async () => {
    if (!whole.ready.services.search) return
    await visit(khalid, '/search?q=%D9%81%D9%84%D8%AC&in=latest', 'main article')
    await khalid.locator('main article .post-text a', { hasText: '#فلج' }).first().click()
    await khalid.waitForURL('**/search?q=%23*')
    await khalid.locator('main article').getByText('الماء في الفلج').waitFor()
    await khalid.locator('main input[role=combobox]').fill('sar')
    await khalid.locator('main [role=option]').getByText('@sara.test').click()
    await khalid.waitForURL('**/profile/sara.test')
  })

  it('a feed is pinned and read at home', async () => {
    if (!whole.ready.services.feeds) return
    await khalid.goto(url('/feeds'))
    await khalid.getByText('Every post with a picture').waitFor()
    await khalid.getByRole('button', { name: 'Pin Photos' }).click()
    await khalid.getByText('Photos is on your home page.').waitFor()
    await khalid.goto(url('/'))
    await khalid.locator('main nav').getByRole('link', { name: 'Photos' }).click()
    await khalid.locator('main article img[alt="فلج دارس"]').waitFor()
  })

  it('a post is reported to the moderators of the network', async () => {
    if (!whole.ready.services.moderation) return
    await khalid.goto(url('/profile/sara.test'))
    await khalid.locator('main article .menu > button').first().click()
    await khalid.getByRole('menuitem', { name: 'Report this post' }).click()
    await khalid.getByRole('radio', { name: /Spam/ }).check()
    await khalid.getByRole('button', { name: 'Send report' }).click()
    await khalid.getByText('Thank you for telling.').waitFor()
    await khalid.keyboard.press('Escape')
  })

  it('a label is told in the reader’s words; its author is told why, and appeals', async () => {
    const { moderation } = whole.ready.services
    if (!moderation) return
    await khalid.goto(url('/profile/sara.test'))
    const post = khalid.locator('main article').first()
    const uri = await post.getAttribute('data-uri')
    const decide = async (event: object) => {
      const subject = { $type: 'com.atproto.repo.strongRef', uri, cid: await cidOf(uri!) }
      const response = await fetch(`${moderation.url}/xrpc/tools.ozone.moderation.emitEvent`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${btoa('admin:admin-pass')}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ subject, event, createdBy: moderation.did }),
      })
      assert.equal(response.status, 200, await response.text())
    }
    const $type = 'tools.ozone.moderation.defs#modEventLabel'
    const comment = 'Said five times today.'
    await decide({ $type, createLabelVals: ['spam'], negateLabelVals: [], comment })
    await visit(khalid, '/profile/sara.test', 'main .cover')
    await post.locator('.cover').getByText('Spam', { exact: true }).waitFor()
    assert.equal(await post.locator('.post-text').count(), 0)
    await post.getByRole('button', { name: 'by the moderators of this network' }).click()
    await khalid.getByText('Unwanted, repeated').waitFor()
    await khalid.keyboard.press('Escape')

    await sara.goto(url('/notifications'))
    await sara.getByText('للمشرفين قرار بشأنك.').waitFor()
    await sara.getByRole('link', { name: 'اقرأه' }).click()
    await sara.getByText(comment).waitFor()
    await sara.locator('main .marks').getByText('إغراق').waitFor()
    await sara.getByRole('button', { name: 'قدّم تظلّمًا' }).click()
    await sara.locator('dialog textarea').fill('قلته مرة واحدة.')
    await sara.locator('dialog button[type=submit]').click()
    await sara.getByText('أُرسل تظلّمك.').waitFor()
    await sara.goto(url('/settings/standing'))
    await sara.getByText('ولم يجيبوا بعد').waitFor()
    await decide({ $type, createLabelVals: [], negateLabelVals: ['spam'] })
    for (let round = 0; (await khalid.locator('main .cover').count()) > 0; round++) {
      assert.ok(round < 40, 'the label did not go')
      await khalid.waitForTimeout(150)
      await khalid.goto(url('/profile/sara.test'))
      await settled(khalid)
    }
  })

  // Handle, password, a name to look for and the reply are all that is typed.
  for (const language of ['ar', 'en'] as const) {
    it(`a newcomer comes from the door to a reply in the thread (${language})`, async () => {
      if (!whole.ready.services.search) return
      const page = await open(language)
      const journey = await firstReply(page, whole.web, {
        language,
        handle: `newcomer-${language}`,
        password: 'plain words',
        seeks: { typed: 'sara', name: 'سارة البلوشي' },
        reply: language === 'ar' ? 'صباح الخير يا سارة' : 'Good morning, Sara',
      })
      assert.deepEqual([journey.fields, journey.clicks], [4, 11])
      await visit(page, '/', 'text=الماء في الفلج')
    })
  }

  it('a visitor reads the thread without an account', async () => {
    const path = new URL(
      await khalid
        .locator('main article a.when')
        .first()
        .evaluate((a) => (a as HTMLAnchorElement).href),
    ).pathname
    const visitor = await open('en')
    await visitor.goto(url(path))
    await visitor.locator('main').getByText('And so is our data.').waitFor()
  })

  it('my data shows every layer well, and the last post at each', async () => {
    await sara.goto(url('/data'))
    await settled(sara)
    const stops = await sara.locator('.stop[data-layer]').count()
    assert.ok(stops >= 4)
    assert.equal(await sara.locator('.stop[data-health=well]').count(), stops)
    await sara.getByRole('button', { name: 'تتبّع آخر منشور لي' }).click()
    await sara.getByText('وصل آخر منشور لك إلى كل مكان.').waitFor()
  })

  it('an account moves to the other host with everything, and shows a receipt', async () => {
    await sara.goto(url('/data/move'))
    await sara.getByRole('button', { name: 'ابدأ الفحص' }).click()
    await sara.getByText('الطريق سالك').waitFor()
    await sara.locator('input[type=password]').fill('four plain words here')
    await sara.getByRole('button', { name: 'انتقل الآن' }).click()
    await sara.getByRole('heading', { name: 'انتقلت إلى' }).waitFor()
    await sara.getByText('وصل كل شيء').waitFor()
    const kept = await sara.evaluate(() => localStorage.getItem('falaj.sessions') ?? '')
    assert.ok(kept.includes(whole.ready.services.pds[1]!.url))

    await sara.goto(url('/'))
    await sara.locator('.composer-line').click()
    await sara.locator('dialog textarea').fill('من مكاني الجديد.')
    await sara.locator('dialog button[type=submit]').click()
    await sara.locator('dialog').waitFor({ state: 'detached' })
    await visit(khalid, '/', 'text=من مكاني الجديد.')
    await khalid.goto(url('/profile/sara.test'))
    await khalid.locator('main').getByRole('button', { name: 'Stop following' }).waitFor()
  })

  it('a move that is interrupted waits, and goes on from where it stood', async () => {
    const noor = await open('en')
    await signUp(noor, 'noor', 'نور', 0)
    await noor.goto(url('/'))
    await noor.locator('.composer-line').click()
    await noor.locator('dialog textarea').fill('Before the move')
    await noor.locator('dialog button[type=submit]').click()
    await noor.locator('dialog').waitFor({ state: 'detached' })
    const second = whole.ready.services.pds[1]!.url
    await noor.route(`${second}/xrpc/com.atproto.repo.importRepo*`, (route) => route.abort())
    await noor.goto(url('/data/move'))
    await noor.getByRole('button', { name: 'Check first' }).click()
    await noor.locator('input[type=password]').fill('four plain words here')
    await noor.getByRole('button', { name: 'Move now' }).click()
    await noor.getByText('A move is waiting to go on.').waitFor()

    // Nothing has changed for anybody: one can go on writing, and come back to the move later.
    await noor.unroute(`${second}/xrpc/com.atproto.repo.importRepo*`)
    await noor.goto(url('/'))
    await noor.locator('.composer-line').click()
    await noor.locator('dialog textarea').fill('In between')
    await noor.locator('dialog button[type=submit]').click()
    await noor.locator('dialog').waitFor({ state: 'detached' })
    await noor.goto(url('/data/move'))
    await noor.getByText('A move is waiting to go on.').waitFor()
    assert.equal(await noor.locator('.step[data-state=done]').count(), 1)
    await noor.locator('input[type=password]').fill('four plain words here')
    await noor.getByRole('button', { name: 'Continue' }).click()
    await noor.getByRole('heading', { name: 'You have moved to' }).waitFor()

    const kept = await noor.evaluate(() => ({ ...localStorage }))
    assert.ok(!JSON.stringify(kept).includes('four plain words'))
    const move = Object.entries(kept).find(([key]) => key.startsWith('falaj.move.'))
    assert.equal(JSON.parse(String(move?.[1])).source.refreshJwt, '')
    await visit(noor, '/profile/noor.test', 'text=In between')
    await visit(noor, '/profile/noor.test', 'text=Before the move')

    // And the way back.
    await noor.goto(url('/data/move'))
    await noor.getByRole('link', { name: 'Go back' }).click()
    await noor.getByRole('button', { name: 'Check first' }).click()
    await noor.locator('input[type=password]').fill('four plain words here')
    await noor.getByRole('button', { name: 'Move now' }).click()
    await noor.getByRole('heading', { name: 'You have moved to' }).waitFor()
    const first = whole.ready.services.pds[0]!.url
    const sessions = await noor.evaluate(() => localStorage.getItem('falaj.sessions') ?? '')
    assert.ok(sessions.includes(first))
  })

  it('nobody sees an error of the page itself, or of its content policy', () => {
    for (const { errors } of browsers) {
      assert.deepEqual(errors, [])
    }
  })

  async function cidOf(uri: string): Promise<string> {
    const query = new URLSearchParams({ uris: uri })
    const view = whole.ready.services.appview.url
    const answer = await fetch(`${view}/xrpc/app.bsky.feed.getPosts?${query}`)
    return ((await answer.json()) as { posts: { cid: string }[] }).posts[0]!.cid
  }

  /** Opens a page again until what travels has arrived. */
  async function visit(page: Page, path: string, selector: string): Promise<void> {
    for (let round = 0; round < 20; round++) {
      await page.goto(url(path))
      await settled(page)
      if ((await page.locator(selector).count()) > 0) return
      await page.waitForTimeout(150)
    }
    assert.fail(`${selector} did not come to ${path}`)
  }
})
