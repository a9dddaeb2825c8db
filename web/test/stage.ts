/** A fake network, the built client and a browser on it, for one test file. */
import { after, afterEach, before } from 'node:test'
import type { Page } from 'playwright-core'
import {
  type Browser,
  builtClient,
  noBrowser,
  startBrowser,
  type View,
  type Windows,
} from './browser.ts'
import { type FakeNetwork, startFakeNetwork } from './fake/network.ts'
import { seed } from './fake/seed.ts'
import { World } from './fake/world.ts'

export interface Stage {
  network: FakeNetwork
  /** Opens a fresh window; closed at the end of the test. */
  open(view?: View): Promise<{ page: Page; errors: string[]; url: (path: string) => string }>
}

/** Why the tests of a file are skipped, for `describe(name, { skip })`. */
export const skip: string | false =
  noBrowser !== undefined && process.env.CI_BROWSER_REQUIRED !== '1' ? noBrowser : false

if (skip) console.error(`browser tests not run: ${skip}`)

/** Sets the stage before the tests of a file and clears it after them. */
export function stage(): Stage {
  const made = {} as Stage
  let windows: Windows | undefined
  let opened: Browser[] = []
  before(async () => {
    if (skip) return
    const world = new World(Date.now)
    made.network = await startFakeNetwork(await builtClient(), world)
    seed(world)
    windows = await startBrowser()
    made.open = async (view) => {
      const browser = await windows!.open(view)
      opened.push(browser)
      const url = (path: string) => made.network.urls.web + path
      return { page: browser.page, errors: browser.errors, url }
    }
  })
  // Windows left open would go on drawing, and take the time of the tests after them.
  afterEach(async () => {
    for (const browser of opened) await browser.close()
    opened = []
  })
  after(async () => {
    await windows?.close()
    await made.network?.close()
  })
  return made
}
