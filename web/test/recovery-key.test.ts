/** A key to one's own name at a host's own page: the host never gets it, whatever form it has. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AtpAgent } from '@atproto/api'
import type { Page, Request } from 'playwright-core'
import { type Network, startNetwork } from '../../network/rig.ts'
import {
  base32,
  base58btc,
  generateKey,
  type SigningKey,
} from '../../src/protocol/crypto/index.node.ts'
import {
  handoverKey,
  type PlcOperation,
  plcClient,
  plcOperationCid,
  readRecoverySheet,
  recoveryKey,
  recoveryWords,
  signPlcOperation,
} from '../../src/protocol/identity/index.ts'
import type { Did } from '../../src/protocol/syntax/index.ts'
import { type Browser, builtClient, startBrowser, type Windows } from './browser.ts'
import { skip } from './stage.ts'

const PASSWORD = 'a password of salma'

describe('the key to one’s name, made at the host’s page', { skip }, () => {
  let network: Network
  let windows: Windows
  let browser: Browser
  let page: Page
  let did: Did
  let host: string
  let words: string[]
  let secret: Uint8Array
  /** Everything that left the browser. */
  const sent: string[] = []

  before(async () => {
    await builtClient()
    network = await startNetwork('--services', 'plc,pds,web')
    host = network.pds[0]!.url
    const salma = new AtpAgent({ service: host })
    const email = 'salma@example.com'
    await salma.createAccount({ handle: 'salma.test', email, password: PASSWORD })
    did = salma.assertDid as Did
    windows = await startBrowser()
    browser = await windows.open({ language: 'en' })
    page = browser.page
    await record(page)
    await passkeys(page)
  })
  after(async () => {
    await windows?.close()
    await network?.stop()
  })

  async function record(on: Page): Promise<void> {
    on.on('request', (request: Request) => {
      const headers = JSON.stringify(request.headers())
      sent.push(`${request.method()} ${request.url()}\n${headers}\n${request.postData() ?? ''}`)
    })
    on.on('websocket', (socket) => {
      socket.on('framesent', ({ payload }) => void sent.push(String(payload)))
    })
  }

  /** A passkey that gives secrets, as new telephones have. */
  async function passkeys(on: Page): Promise<void> {
    const session = await on.context().newCDPSession(on)
    await session.send('WebAuthn.enable')
    await session.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        ctap2Version: 'ctap2_1',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        hasPrf: true,
        automaticPresenceSimulation: true,
      },
    })
  }

  const data = async () => (await plcClient({ plcUrl: network.plc.url, fetch }).data(did))!
  const shown = (selector: string) =>
    page.locator(`#make [data-words] ${selector}`).allTextContents()

  it('says how the identity stands, and makes nothing by itself', async () => {
    await page.goto(`${host}/account/recovery-key`)
    await page.locator('#name').fill('salma.test')
    await page.locator('#password').fill(PASSWORD)
    await page.locator('main form button.wide-button').first().click()
    await page.locator('[data-state=none]').waitFor()
    assert.equal((await data()).rotationKeys.length, 1)
  })

  it('shows sixteen words, and asks for three of them', async () => {
    await page.getByRole('button', { name: 'Make the key' }).click()
    words = await shown('.word')
    assert.equal(words.length, 16)
    const read = readRecoverySheet(words.join(' '))
    assert.equal(read.kind, 'read')
    if (read.kind === 'read') secret = read.secret
    await page.getByRole('button', { name: 'I wrote them down' }).click()
    for (const at of [0, 1, 2]) await page.locator(`#ask-${at}`).fill('zebra')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.locator('[data-step=ask] [role=alert]').getByText('is another one').waitFor()
    for (const at of [0, 1, 2]) {
      const label = await page.locator(`label[for=ask-${at}]`).textContent()
      await page.locator(`#ask-${at}`).fill(words[Number(/\d+/.exec(label!)![0]) - 1]!)
    }
    await page.getByRole('button', { name: 'Continue' }).click()
  })

  it('a wrong password takes no words away', async () => {
    const form = page.locator('form[data-step=keep]')
    await form.locator('[name=label]').fill('the sheet at home')
    await form.locator('[name=password]').fill('not it at all')
    await form.locator('.buttons:last-child button').click()
    await form.getByText('The password is not right').waitFor()
    assert.equal((await data()).rotationKeys.length, 1)
  })

  it('puts the key above the host’s, locked by a passkey too', async () => {
    const before = await data()
    const form = page.locator('form[data-step=keep]')
    await form.locator('[data-lock]').check()
    await form.locator('[name=password]').fill(PASSWORD)
    await form.locator('.buttons:last-child button').click()
    await page.getByText('The key is in your identity').waitFor()
    await page.locator('[data-state=good]').waitFor()
    const after = await data()
    const { didKey } = recoveryKey(secret).publicKey
    assert.deepEqual(after, { ...before, rotationKeys: [didKey, ...before.rotationKeys] })
    assert.equal(await page.locator('bdi', { hasText: 'the sheet at home' }).count(), 1)
  })

  it('opens the locked copy with the passkey, and shows the same words', async () => {
    await page.getByRole('button', { name: 'Open it' }).click()
    await page.locator('[data-step=words]').waitFor()
    assert.deepEqual(await shown('.word'), words)
  })

  it('reads a sheet that is entered, in Arabic, with a word that is wrong', async () => {
    await page.goto(`${host}/account/recovery-key?lang=ar`)
    const wrong = words.with(6, words[6] === 'zebra' ? 'zoo' : 'zebra')
    await page.locator('#sheet').fill(wrong.join(' '))
    await page.getByRole('button', { name: 'افحصها' }).click()
    await page.getByText(`«${wrong[6]}» وهي «${words[6]}»`).waitFor()
    await page.locator('#check [data-send]').click()
    await page.getByText('الورقة سليمة').waitFor()
  })

  /** Changes the identity at the directory, past the host. */
  async function change(key: SigningKey, to: Partial<PlcOperation>): Promise<string> {
    const plc = plcClient({ plcUrl: network.plc.url, fetch })
    const last = (await plc.last(did)) as PlcOperation
    const operation = signPlcOperation({ ...last, ...to, prev: plcOperationCid(last) }, key)
    await plc.submit(did, operation)
    return plcOperationCid(operation)
  }

  it('takes back what a key above the host’s did, with the words, and with the passkey’s copy', async () => {
    const own = recoveryKey(secret)
    const middle = generateKey('k256')
    const { rotationKeys } = await data()
    const taken = { rotationKeys: [middle.publicKey.didKey], alsoKnownAs: ['at://thief.test'] }
    await change(own, { rotationKeys: rotationKeys.toSpliced(1, 0, middle.publicKey.didKey) })
    const good = await data()
    for (const way of ['words', 'passkey']) {
      const cid = await change(middle, taken)
      const undo = page.locator(`button[name=undo][value=${cid}]`)
      for (let tries = 0; tries < 50 && (await undo.count()) === 0; tries++)
        await page.goto(`${host}/account/identity-alarms?lang=en`)
      await undo.click()
      if (way === 'passkey') await page.locator('#own-undo [data-open]').click()
      else {
        await page.locator('#sheet').fill(words.with(3, '?').slice(1).join(' '))
        await page.getByRole('button', { name: 'Sign and undo' }).click()
        await page.getByText('A sheet has 16 words').waitFor()
        await page.locator('#sheet').fill(words.with(3, '?').join(' '))
        await page.getByRole('button', { name: 'Sign and undo' }).click()
      }
      await page.getByText('Everything stands as it stood before').waitFor()
      assert.deepEqual(await data(), good)
    }
    // At the page of any host, where nobody signs in: the time runs down, and the words bring all of it back.
    const cid = await change(middle, taken)
    await page.goto(`${host}/account/lost-host?lang=en`)
    await page.locator('#name').fill(did)
    await page.getByRole('button', { name: 'Look' }).click()
    await page
      .getByText(/^71:5\d:\d\d$/)
      .first()
      .waitFor()
    await page.locator(`button[name=undo][value=${cid}]`).click()
    await page.locator('#sheet').fill(words.join(' '))
    await page.getByRole('button', { name: 'Sign and undo' }).click()
    await page.getByText('You are back').first().waitFor()
    assert.deepEqual(await data(), good)
    assert.ok(sent.some((one) => /undo=bafy\w+&sig=[\w-]{86}(?![\w-])/.test(one)))
  })

  it('at sign-up in the client, in Arabic, the same, and “my data” knows it', async () => {
    const client = await windows.open({ language: 'ar', width: 390 })
    const { page } = client
    const before = sent.length
    await record(page)
    await page.goto(`${network.web.url}/sign-up`)
    await page.locator('input[autocomplete=username]').fill('nasser')
    await page.locator('input[type=password]').fill(PASSWORD)
    await page.locator('.choice input[type=checkbox]').check()
    await page.locator('form button[type=submit]').click()
    await page.locator('.own-key [data-key-state=none]').waitFor()
    await page.locator('.own-key .button').first().click()
    const own = await page.locator('.key-sheet li b').allTextContents()
    await page.getByRole('button', { name: 'كتبتها' }).click()
    const fields = page.locator('.own-key form input')
    for (const [at, label] of (
      await page.locator('.own-key form label').allTextContents()
    ).entries())
      await fields.nth(at).fill(own[placeOf(label) - 1]!)
    await page.locator('.own-key form button[type=submit]').click()
    await page.locator('.own-key input[type=password]').fill(PASSWORD)
    await page.locator('.own-key form button[type=submit]').click()
    await page.waitForURL(`${network.web.url}/people`)
    await page.goto(`${network.web.url}/data`)
    await page.locator('.offer[data-key-state=good]').waitFor()
    const read = readRecoverySheet(own.join(' '))
    assert.ok(read.kind === 'read' && sent.length > before)
    assert.ok(sent.some((one) => one.includes(recoveryKey(read.secret).publicKey.didKey)))
    for (const one of sent.slice(before)) assert.equal(leakIn(one, own, read.secret), undefined)
    assert.deepEqual(client.errors, [])
    await client.close()
  })

  /** The key as it could stand somewhere: every private half in every writing, words and numbers in a row. */
  function leakIn(sentText: string, own = words, bytes = secret): string | undefined {
    const texts = [sentText, sentText.replace(/%([0-9a-f]{2})/gi, (_, hex) => char(hex))]
    const form = writings(bytes).find((one) => texts.some((text) => text.includes(one)))
    if (form !== undefined) return form
    const list = recoveryWords()
    const numbers = own.map((word) => String(list.indexOf(word) + 1).padStart(4, '0'))
    for (const row of [own, numbers]) {
      // Two that stand beside each other are enough, whatever is between.
      for (const [at, word] of row.slice(0, -1).entries()) {
        const next = row[at + 1]!
        const pair = new RegExp(`(?<![a-z0-9])${word}[^a-z0-9]{1,9}${next}(?![a-z0-9])`, 'i')
        if (texts.some((text) => pair.test(text))) return `${word} ${next}`
      }
    }
    return undefined
  }

  function writings(own = secret): string[] {
    const keys = [own, recoveryKey(own).export(), handoverKey(own).export()]
    return keys.flatMap((bytes) => {
      const buffer = Buffer.from(bytes)
      const hex = buffer.toString('hex')
      const base64 = buffer.toString('base64').replace(/=+$/, '')
      const list = Array.from(bytes)
      return [
        ...[hex, hex.toUpperCase(), base64, encodeURIComponent(base64)],
        ...[buffer.toString('base64url'), base32(bytes), base58btc(bytes)],
        ...[list.join(','), list.join('%2C'), list.join(' '), BigInt(`0x${hex}`).toString()],
        ...[
          String.fromCharCode(...bytes),
          JSON.stringify(String.fromCharCode(...bytes)).slice(1, -1),
        ],
      ]
    })
  }

  it('and nothing that was sent holds the key, in any writing', async () => {
    assert.ok(sent.length > 10 && sent.some((one) => one.includes('signature=')))
    for (const one of sent) assert.equal(leakIn(one), undefined, one.slice(0, 80))
    // Who looks would see it: in each of these it is found.
    for (const form of writings()) assert.ok(leakIn(`a=1&b=${form}`), form)
    const rows = [words.join(' '), words.join('+'), encodeURIComponent(JSON.stringify(words))]
    for (const row of rows) assert.ok(leakIn(`sheet=${row}`), row)
    // Nor does the browser keep it.
    const kept = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]))
    assert.equal(leakIn(kept), undefined)
    assert.deepEqual(browser.errors, [])
  })
})

const char = (hex: string) => String.fromCharCode(Number.parseInt(hex, 16))

/** Which word a label asks for: in digits of either kind, or the words for the first two. */
function placeOf(label: string): number {
  const digits = label.replace(/[٠-٩]/g, (one) => String(one.charCodeAt(0) & 15))
  return Number(/\d+/.exec(digits)?.[0] ?? (label.includes('الأولى') ? 1 : 2))
}
