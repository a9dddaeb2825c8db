/** The operators' console against a host of its own: accounts, letters, codes, health; both languages, phone and desk. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { after, afterEach, before, describe, it } from 'node:test'
import { AtpAgent } from '@atproto/api'
import type { Page } from 'playwright-core'
import { type SmtpSink, smtpSink } from '../../network/smtp-sink.ts'
import { type Browser, builtClient, startBrowser, type View, type Windows } from './browser.ts'
import { skip } from './stage.ts'

const falaj = resolve(import.meta.dirname, '../../bin/falaj')
const pictures = process.env.CONSOLE_PICTURES
const CODE = /[A-Z2-7]{5}-[A-Z2-7]{5}/

interface Ready {
  services: { web: { url: string }; pds: { url: string }[] }
}

describe("the operators' console", { skip }, () => {
  let server: ChildProcess
  let ready: Ready
  let sink: SmtpSink
  let windows: Windows | undefined
  let opened: Browser[] = []
  const people: AtpAgent[] = []

  before(async () => {
    await builtClient()
    windows = await startBrowser()
    sink = await smtpSink()
    const mail = ['--email-smtp-url', sink.url, '--email-from-address', 'host@pds.test']
    const args = ['up', '--ephemeral', '--json', '--services', 'plc,pds,web', ...mail]
    server = spawn(falaj, args, {
      stdio: ['ignore', 'pipe', process.env.VERBOSE ? 'inherit' : 'ignore'],
    })
    for await (const line of createInterface({ input: server.stdout! })) {
      ready = JSON.parse(line) as Ready
      break
    }
    for (const name of ['sara', 'khalid', 'maya']) {
      const agent = new AtpAgent({ service: ready.services.pds[0]!.url })
      const email = `${name}@mail.example`
      await agent.createAccount({ handle: `${name}.test`, email, password: `password of ${name}` })
      people.push(agent)
    }
    sink.mishaps.push({ rcpt: '550 5.1.1 nobody of that name' })
    await people[0]!.com.atproto.server.requestEmailConfirmation()
    await people[1]!.com.atproto.server.requestEmailConfirmation()
    await sink.received(1)
  })

  afterEach(async () => {
    for (const browser of opened) await browser.close()
    opened = []
  })

  after(async () => {
    await windows?.close()
    const gone = new Promise((done) => server.once('exit', done))
    server.kill('SIGTERM')
    await gone
    await sink.close()
  })

  async function open(view: View): Promise<Browser> {
    const browser = await windows!.open(view)
    opened.push(browser)
    await browser.page.goto(`${ready.services.web.url}/console`)
    return browser
  }

  async function signIn(page: Page, password = 'admin-pass'): Promise<void> {
    await page.locator('input[type=password]').fill(password)
    await page.locator('form button[type=submit]').click()
    await page.locator('nav, [role=alert]').first().waitFor()
  }

  async function picture(page: Page, name: string): Promise<void> {
    if (pictures) await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true })
  }

  /** Nothing reaches beyond the page's own width. */
  async function assertFits(page: Page): Promise<void> {
    const [wide, room] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ])
    assert.ok(wide! <= room!, `${wide} in ${room}`)
  }

  it('refuses a wrong password in words, and keeps the right one for this tab alone', async () => {
    const { page, context } = await open({ language: 'en' })
    assert.equal(
      await page.locator('input[autocomplete=url]').inputValue(),
      ready.services.pds[0]!.url,
    )
    await signIn(page, 'guess')
    await page.getByText('The host does not know this name').waitFor()
    await signIn(page)
    await page.getByRole('heading', { name: 'Accounts' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Accounts' }).waitFor()
    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage }) + document.cookie)
    assert.doesNotMatch(kept, /admin-pass/)
    const other = await context.newPage()
    await other.goto(`${ready.services.web.url}/console`)
    await other.getByRole('heading', { name: 'Sign in as an operator' }).waitFor()
    await other.close()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in as an operator' }).waitFor()
    assert.equal(await page.evaluate(() => sessionStorage.length), 0)
  })

  const views: [language: 'ar' | 'en', width: number][] = [
    ['ar', 390],
    ['ar', 1280],
    ['en', 390],
    ['en', 1280],
  ]
  for (const [language, width] of views) {
    it(`shows every section in ${language} at ${width} px, and nothing sticks out`, async () => {
      const { page, errors } = await open({ language, width })
      await picture(page, `${language}-${width}-sign-in`)
      await assertFits(page)
      await signIn(page)
      for (const section of ['accounts', 'mail', 'invites', 'health', 'operators', 'audit']) {
        await page.locator(`nav a[href="#${section}"]`).click()
        await page.locator('main h1').waitFor()
        await page.waitForFunction(() => !document.querySelector('[aria-busy=true], .bone'))
        await picture(page, `${language}-${width}-${section}`)
        await assertFits(page)
        if (['invites', 'health', 'operators'].includes(section)) continue
        await page.locator('.row-button').first().click()
        await page.locator('dialog .facts').waitFor()
        await picture(page, `${language}-${width}-${section}-open`)
        await assertFits(page)
        await page.keyboard.press('Escape')
        await page.locator('dialog').waitFor({ state: 'detached' })
      }
      assert.equal(
        await page.evaluate(() => document.documentElement.dir),
        language === 'ar' ? 'rtl' : 'ltr',
      )
      assert.deepEqual(errors, [])
    })
  }

  it('a letter that failed is found, read and sent again', async () => {
    const { page } = await open({ language: 'en' })
    await signIn(page)
    await page.keyboard.press('2')
    await page.locator('.segments label', { hasText: 'Failed' }).click()
    const row = page.locator('.row-button')
    await row.first().waitFor()
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1)
    await row.first().focus()
    await page.keyboard.press('Enter')
    await page.getByText('nobody of that name').waitFor()
    const code = CODE.exec(await page.locator('.letter-text').innerText())![0]
    const before = sink.letters.length
    await page.getByRole('button', { name: 'Send again' }).click()
    await page.getByText('The letter is first in line.').waitFor()
    await sink.received(before + 1)
    assert.ok(sink.letters.at(-1)!.text.includes(code))
  })

  it('an account is found, taken down and brought back', async () => {
    const { page } = await open({ language: 'en' })
    await signIn(page)
    await page.keyboard.press('/')
    await page.keyboard.type('khalid.test')
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1)
    await page.getByRole('button', { name: '@khalid.test' }).click()
    await page.locator('summary', { hasText: 'Take down' }).click()
    await page.locator('dialog input').first().fill('decision 7')
    await page.getByRole('button', { name: 'Take down', exact: true }).click()
    await page.locator('dialog .chip', { hasText: 'Taken down' }).waitFor()
    await page.locator('dialog').getByText('decision 7').waitFor()
    await page.locator('tbody .chip', { hasText: 'Taken down' }).waitFor()
    await page.getByRole('button', { name: 'Bring back' }).click()
    await page.locator('dialog .chip', { hasText: 'Active' }).waitFor()
  })

  it('an account gets a letter, a new password, and no more invite codes', async () => {
    const { page } = await open({ language: 'en' })
    await signIn(page)
    await page.locator('input[type=search]').fill('maya@mail.example')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: '@maya.test' }).click()
    const dialog = page.locator('dialog')
    await dialog.locator('summary', { hasText: 'Write to the owner' }).click()
    await dialog.locator('details[open] input').fill('Your account')
    await dialog.locator('textarea').fill('Dear Maya,\n\nall is well.')
    const before = sink.letters.length
    await dialog.getByRole('button', { name: 'Send', exact: true }).click()
    await dialog.getByText('The letter is on its way.').waitFor()
    await sink.received(before + 1)
    assert.match(sink.letters.at(-1)!.text, /Dear Maya,\r?\n\r?\nall is well/)
    await dialog.locator('summary', { hasText: 'Set a new password' }).click()
    await dialog.locator('input[type=password]').fill('a better password')
    await dialog.getByRole('button', { name: 'Set it' }).click()
    await dialog.getByText('The new password is set.').waitFor()
    const maya = new AtpAgent({ service: ready.services.pds[0]!.url })
    await maya.login({ identifier: 'maya.test', password: 'a better password' })
    await dialog.getByRole('button', { name: 'Give it no invite codes' }).click()
    await dialog.getByText('Receives none').waitFor()
  })

  it('an invite code is made, listed, sorted and switched off', async () => {
    const { page } = await open({ language: 'en' })
    await signIn(page)
    await page.keyboard.press('3')
    await page.getByLabel('Sign-ups it is good for').fill('4')
    await page.getByRole('button', { name: 'Make a code' }).click()
    const code = await page.locator('.fresh-code').innerText()
    await page.locator('tbody tr', { hasText: code }).waitFor()
    await page.locator('thead button', { hasText: 'Left' }).click()
    assert.equal(await page.locator('th[aria-sort=ascending]').count(), 1)
    await page.locator('tbody tr', { hasText: code }).getByRole('button').click()
    await page.locator('tbody tr', { hasText: code }).getByText('Switched off').waitFor()
  })

  it('an operator is added, works, is found in the record, and is revoked', async () => {
    const { page } = await open({ language: 'en' })
    await signIn(page)
    await page.keyboard.press('5')
    await page.getByLabel('Name').fill('huda')
    await page.locator('.segments label', { hasText: 'Moderator' }).click()
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    const secret = (await page.locator('.fresh-code').innerText()).trim()
    await page.locator('tbody tr', { hasText: 'huda' }).getByText('In force').waitFor()

    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.locator('input[autocomplete=username]').fill('huda')
    await signIn(page, secret)
    await page.keyboard.press('1')
    await page.getByRole('button', { name: '@sara.test' }).click()
    await page.locator('summary', { hasText: 'Suspend' }).click()
    await page.getByLabel('Hours').fill('24')
    await page.locator('dialog').getByRole('button', { name: 'Suspend', exact: true }).click()
    await page.locator('dialog .chip', { hasText: 'Suspended' }).waitFor()
    await page.getByRole('button', { name: 'End the suspension' }).click()
    await page.locator('dialog .chip', { hasText: 'Active' }).waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('5')
    await page.getByText('Forbidden').first().waitFor()

    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.locator('input[autocomplete=username]').fill('admin')
    await signIn(page)
    await page.keyboard.press('6')
    await page.getByRole('button', { name: 'suspendAccount' }).click()
    await page.locator('dialog').getByText('"until"').waitFor()
    await page.getByRole('button', { name: 'Only by' }).click()
    await page.waitForFunction(() =>
      [...document.querySelectorAll('tbody tr')].every((row) => row.textContent?.includes('huda')),
    )
    await page.getByRole('button', { name: 'endSuspension' }).waitFor()
    await page.getByRole('button', { name: 'Show all again' }).click()
    await page.locator('.segments label', { hasText: 'Changes' }).click()
    await page.locator('tbody tr', { hasText: 'addOperator' }).waitFor()
    assert.equal(await page.locator('tbody tr', { hasText: 'searchAccounts' }).count(), 0)
    await page.locator('.segments label', { hasText: 'Refused' }).click()
    await page.locator('tbody tr', { hasText: 'Forbidden' }).first().waitFor()

    await page.locator('nav a[href="#operators"]').click()
    await page.getByRole('button', { name: 'huda' }).click()
    await page.getByRole('button', { name: 'Revoke' }).click()
    await page.locator('dialog .chip', { hasText: 'Revoked' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.locator('input[autocomplete=username]').fill('huda')
    await signIn(page, secret)
    await page.getByText('The host does not know this name').waitFor()
  })

  it('people load none of it', async () => {
    const { page } = await open({ language: 'en' })
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await page.goto(ready.services.web.url)
    await page.locator('main h1, main h2').first().waitFor()
    assert.ok(asked.length > 0)
    assert.deepEqual(
      asked.filter((url) => /console/.test(url)),
      [],
    )
  })
})
