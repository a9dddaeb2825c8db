/** A fake network, the built client and a browser on it, for one test file. */
import { after, before } from 'node:test'
import type { Page } from 'playwright-core'
import { type Browser, builtClient, noBrowser, openBrowser, type View } from './browser.ts'
import { type FakeNetwork, startFakeNetwork } from './fake/network.ts'
import { seed } from './fake/seed.ts'
import { World } from './fake/world.ts'

export interface Stage {
  network: FakeNetwork
  /** Opens a fresh browser; closed at the end of the file. */
  open(view?: View): Promise<{ page: Page; errors: string[]; url: (path: string) => string }>
}

/** Why the tests of a file are skipped, for `describe(name, { skip })`. */
export const skip: string | false =
  noBrowser !== undefined && process.env.CI_BROWSER_REQUIRED !== '1' ? noBrowser : false

if (skip) console.error(`browser tests not run: ${skip}`)

/** Sets the stage before the tests of a file and clears it after them. */
export function stage(): Stage {
  const made = {} as Stage
  const browsers: Browser[] = []
  before(async () => {
    if (skip) return
    const world = new World(Date.now)
    made.network = await startFakeNetwork(await builtClient(), world)
    seed(world)
    made.open = async (view) => {
      const browser = await openBrowser(view)
      browsers.push(browser)
      const url = (path: string) => made.network.urls.web + path
      return { page: browser.page, errors: browser.errors, url }
    }
  })
  after(async () => {
    for (const browser of browsers) await browser.close()
    await made.network?.close()
  })
  return made
}
