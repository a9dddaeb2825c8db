/** A move at the pages of the host one goes to: begun, watched while it goes on, and arrived. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { type Browser, builtClient, startBrowser, type Windows } from './browser.ts'
import { skip } from './stage.ts'
import { startFalaj } from './whole.ts'

const PASSWORD = 'a password of salma'

describe('a move by the pages of a host', { skip }, () => {
  let whole: Awaited<ReturnType<typeof startFalaj>>
  let windows: Windows
  let browser: Browser

  before(async () => {
    await builtClient()
    whole = await startFalaj(['--pds', '2', '--services', 'plc,pds'])
    windows = await startBrowser()
    browser = await windows.open({ language: 'ar', width: 390 })
  })
  after(async () => {
    await windows?.close()
    await whole?.stop()
  })

  it('is watched to its end without loading the page again', async () => {
    const [old, next] = whole.ready.services.pds.map(({ url }) => url)
    const salma = new AtpAgent({ service: old! })
    const email = 'salma@example.com'
    await salma.createAccount({ handle: 'salma.test', email, password: PASSWORD })
    await salma.post({ text: 'من البيت القديم' })
    const { page, errors } = browser
    await page.goto(`${next}/account/move-here`)
    await page.locator('#name').fill('salma.test')
    await page.locator('#password').fill(PASSWORD)
    await page.getByRole('button', { name: 'افحص أولًا' }).click()
    await page.getByRole('heading', { name: 'هذا ما سيحدث' }).waitFor()
    await page.getByRole('button', { name: 'انتقل الآن' }).click()
    await page.waitForURL(/\/account\/move$/)
    await page.evaluate(() => Object.assign(globalThis, { isSamePage: true }))
    await page.getByRole('heading', { name: 'وصلت', exact: true }).waitFor()
    assert.equal(await page.evaluate(() => 'isSamePage' in globalThis), true)
    assert.equal(
      await page.locator('[data-said][aria-live=polite]').textContent(),
      'حسابك الآن هنا.',
    )
    assert.equal(await page.getByRole('link', { name: 'نزّل الإيصال' }).count(), 1)
    // Nothing sticks out of a telephone.
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    assert.ok(width <= 390, `${width} pixels`)
    assert.deepEqual(errors, [])
  })
})
