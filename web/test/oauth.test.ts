/** The official browser client in a real browser, against a host: in, write, renew, out. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Browser, openBrowser } from './browser.ts'
import { letIn, type OAuthStage, startOAuthStage, told } from './oauth/stage.ts'
import { skip } from './stage.ts'

describe('an app by the official browser client', { skip }, () => {
  let stage: OAuthStage
  let browser: Browser
  const sara = { handle: 'sara.test', password: 'a long password of sara' }

  before(async () => {
    stage = await startOAuthStage()
    browser = await openBrowser({ language: 'en' })
  })
  after(async () => {
    await browser?.close()
    await stage?.stop()
  })

  it('is let in without what its person declined, writes, renews, and is gone after signing out', async () => {
    const { did } = await stage.signUp(sara.handle, sara.password)
    const { page } = browser
    assert.equal(await letIn(page, stage, sara), `signed in: ${did}`)
    await page.locator('#write').click()
    await told(page, /^written/)
    await page.reload()
    assert.equal(await told(page, /^signed in/), `signed in: ${did}`, 'the session is restored')
    await page.locator('#renew').click()
    const renewed = await told(page, /^renewed/)
    assert.equal(renewed, 'renewed: atproto repo:app.bsky.feed.post blob:image/*')
    await page.locator('#sign-out').click()
    await told(page, /^signed out/)
    await page.reload()
    await told(page, /^signed out/)
  })

  it('is told when its person says no', async () => {
    const { page } = browser
    await page.locator('input').fill(sara.handle)
    await page.locator('#sign-in').click()
    // Still signed in at the host: the question comes at once.
    await page.locator('button[value=deny]').click()
    assert.equal(await told(page, /^failed/), 'failed: access_denied')
  })
})
