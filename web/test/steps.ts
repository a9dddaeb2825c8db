/** What people do, in words the tests share. */
import type { Page } from 'playwright-core'
import type { FakeNetwork } from './fake/network.ts'

/** Signs in through the page, as a person does. */
export async function signInAs(page: Page, network: FakeNetwork, handle: string): Promise<void> {
  await page.goto(`${network.urls.web}/sign-in`)
  await page.locator('input[autocomplete=username]').fill(handle)
  await page.locator('input[type=password]').fill('one two three')
  await page.locator('form button[type=submit]').click()
  await page.waitForURL(`${network.urls.web}/`)
}

/** Waits until the page shows what it has: no bones, fonts and pictures in view loaded. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const seen = (image: HTMLImageElement) => image.getBoundingClientRect().top < innerHeight
    return (
      document.querySelector('h1, h2') !== null &&
      document.querySelector('.bone') === null &&
      [...document.images].filter(seen).every(({ complete }) => complete)
    )
  })
  await page.evaluate(() => document.fonts.ready)
}
