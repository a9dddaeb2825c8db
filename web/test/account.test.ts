/** The pages of a host in a real browser: passkeys by a virtual authenticator, and the rest without a script. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import { startBrowser, type Windows } from './browser.ts'
import { skip } from './stage.ts'
import { startFalaj } from './whole.ts'

const PASSWORD = 'four plain words here'

describe('the pages of an account', { skip }, () => {
  let host: string
  let stop: () => Promise<void>
  let windows: Windows

  before(async () => {
    const falaj = await startFalaj(['--services', 'plc,pds'])
    stop = falaj.stop
    host = falaj.ready.services.pds[0]!.url
    windows = await startBrowser()
  })
  after(async () => {
    await windows?.close()
    await stop?.()
  })

  async function signUp(name: string): Promise<void> {
    const response = await fetch(`${host}/xrpc/com.atproto.server.createAccount`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        handle: `${name}.test`,
        email: `${name}@mail.example`,
        password: PASSWORD,
      }),
    })
    assert.equal(response.status, 200)
  }

  const at = (page: Page) => new URL(page.url()).pathname
  const sent = (page: Page, button: string) =>
    Promise.all([page.waitForNavigation(), page.locator(button).click()])

  async function signIn(page: Page, name: string, path = '/account'): Promise<void> {
    await page.goto(`${host}/account/sign-in?return=${encodeURIComponent(path)}`)
    await page.fill('#name', name)
    await page.fill('#password', PASSWORD)
    await sent(page, 'form:has(#password) button')
  }

  async function addAuthenticator(context: BrowserContext, page: Page): Promise<void> {
    const session = await context.newCDPSession(page)
    await session.send('WebAuthn.enable')
    await session.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
  }

  it('a passkey is made, opens the account alone, and follows a password', async () => {
    await signUp('sara')
    const { context, page, errors, close } = await windows.open({ language: 'ar' })
    // A browser that offers nothing by itself: the button asks.
    await page.addInitScript(() => {
      Object.defineProperty(PublicKeyCredential, 'isConditionalMediationAvailable', { value: null })
    })
    await addAuthenticator(context, page)
    await signIn(page, 'sara', '/account/second-factors')
    await page.fill('[data-passkey=create] [name=name]', 'هاتفي')
    await sent(page, '[data-passkey=create] button')
    assert.equal(await page.locator('.codes .secret').count(), 10)
    await page.goto(`${host}/account/second-factors`)
    await page.getByText('هاتفي').waitFor()

    await page.goto(`${host}/account`)
    await sent(page, 'form[action="/account/sign-out"] button')
    assert.equal(at(page), '/account/sign-in')
    await sent(page, '[data-passkey=use] button')
    assert.equal(at(page), '/account')
    await page.getByText('@sara.test').first().waitFor()

    await sent(page, 'form[action="/account/sign-out"] button')
    await signIn(page, 'sara')
    assert.equal(at(page), '/account/second-step')
    await sent(page, '[data-passkey=use] button')
    assert.equal(at(page), '/account')
    assert.deepEqual(errors, [])
    await close()
  })

  it('a passkey is offered where the name is filled in, and opens the account by itself', async () => {
    await signUp('maya')
    const { context, page, errors, close } = await windows.open({ language: 'en' })
    await addAuthenticator(context, page)
    await signIn(page, 'maya', '/account/second-factors')
    await page.fill('[data-passkey=create] [name=name]', 'my key')
    await sent(page, '[data-passkey=create] button')
    await page.goto(`${host}/account`)
    // The virtual authenticator chooses what a person would choose under the field.
    await sent(page, 'form[action="/account/sign-out"] button')
    await page.waitForURL((url) => url.pathname === '/account')
    await page.getByText('@maya.test').first().waitFor()
    assert.deepEqual(errors, [])
    await close()
  })

  it('without a script everything but passkeys is there, and no passkey is offered', async () => {
    await signUp('khalid')
    const plain = await windows.open({ language: 'en' })
    const context = await plain.context.browser()!.newContext({ javaScriptEnabled: false })
    const page = await context.newPage()
    await signIn(page, 'khalid', '/account/app-passwords?lang=en')
    assert.equal(await page.locator('[data-passkey]:visible').count(), 0)
    await page.fill('#name', 'an old app')
    await sent(page, 'section form button')
    const made = await page.locator('.secret').textContent()
    assert.match(made!, /^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/)
    await page.goto(`${host}/account/second-factors`)
    assert.equal(await page.locator('[data-passkey]:visible').count(), 0)
    await page.locator('summary').click()
    assert.ok(await page.locator('svg.qr').isVisible())
    await context.close()
    await plain.close()
  })

  it('pages fit a phone and a desk, in both languages, and obey their own policy', async () => {
    await signUp('salma')
    for (const [language, width] of [
      ['ar', 390],
      ['en', 390],
      ['ar', 1280],
    ] as const) {
      const { page, errors, close } = await windows.open({ language, width })
      await signIn(page, 'salma')
      assert.equal(await page.evaluate(() => document.dir), language === 'ar' ? 'rtl' : 'ltr')
      const links = page.locator('nav.menu a')
      const paths = await links.evaluateAll((all) => all.map((one) => one.getAttribute('href')!))
      // A desk has room: what fits a phone fits there, but for the columns.
      for (const path of width === 390 ? paths : paths.slice(0, 2)) {
        await page.goto(host + path, { waitUntil: 'domcontentloaded' })
        const isTooWide = await page.evaluate(
          () => document.documentElement.scrollWidth > window.innerWidth,
        )
        assert.equal(isTooWide, false, `${path} at ${width} in ${language}`)
      }
      assert.ok(await page.evaluate(() => document.fonts.check('16px "Readex Pro"')))
      assert.deepEqual(errors, [])
      await close()
    }
  })
})
