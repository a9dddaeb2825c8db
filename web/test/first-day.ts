/** The way of a newcomer from the door to a reply that stands in its thread, as a person goes it. */
import type { Locator, Page } from 'playwright-core'
import { ar } from '../src/words/ar.ts'
import { en } from '../src/words/en.ts'

export interface Newcomer {
  language: 'ar' | 'en'
  handle: string
  password: string
  /** Whom they look for and follow, by what they type and by name. */
  seeks: { typed: string; name: string }
  reply: string
}

export interface Journey {
  clicks: number
  fields: number
  letters: number
  /** What was done, in order. */
  steps: string[]
}

/** How a hand works: nothing is waited for by default. */
export interface Hand {
  beforeClickMs?: number
  perLetterMs?: number
}

/** Goes the way on a fresh page and counts. Throws where a person would be stuck. */
export async function firstReply(
  page: Page,
  door: string,
  { language, handle, password, seeks, reply }: Newcomer,
  { beforeClickMs = 0, perLetterMs = 0 }: Hand = {},
): Promise<Journey> {
  const words: Record<string, unknown> = { ar, en }[language]
  const said = (key: keyof typeof en) => String(words[key])
  const journey: Journey = { clicks: 0, fields: 0, letters: 0, steps: [] }
  const pause = (ms: number) => (ms > 0 ? page.waitForTimeout(ms) : undefined)
  async function click(step: string, target: Locator) {
    await target.waitFor()
    await pause(beforeClickMs)
    await target.click()
    journey.clicks += 1
    journey.steps.push(step)
  }
  async function write(step: string, field: Locator, text: string) {
    await field.click()
    await field.pressSequentially(text, { delay: perLetterMs })
    journey.clicks += 1
    journey.fields += 1
    journey.letters += text.length
    journey.steps.push(step)
  }
  const button = (within: Locator, name: string) =>
    within.getByRole('button', { name, exact: true })
  const main = page.locator('main')

  await page.goto(door)
  await click('sign up', main.getByRole('link', { name: said('signUp') }).first())
  await write('choose a handle', page.locator('input[autocomplete=username]'), handle)
  await write('choose a password', page.locator('input[type=password]'), password)
  await click('create the account', button(main, said('signUp.open')))
  await page.waitForURL('**/people')
  await write('look for somebody', main.locator('input[role=combobox]'), seeks.typed)
  await click('open their page', main.getByRole('option', { name: seeks.name }))
  await page.waitForURL('**/profile/*')
  const follow = said('follow.startLabel').replace('{name}', seeks.name)
  await click('follow', button(main, follow))
  await click('open a post', main.locator('article a.when').first())
  await page.waitForURL('**/post/*')
  await click('reply', main.locator('#focus .act.reply'))
  await write('write the reply', page.locator('dialog textarea'), reply)
  await click('send it', page.locator('dialog button[type=submit]'))
  await main.locator('article .post-text').getByText(reply).first().waitFor()
  journey.steps.push('it stands in the thread')
  return journey
}
