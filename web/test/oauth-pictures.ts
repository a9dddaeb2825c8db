/**
 * Takes pictures of an app being let in by the official browser client, in both languages:
 * `node web/test/oauth-pictures.ts <folder>`. Nothing is compared.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startBrowser } from './browser.ts'
import { letIn, startOAuthStage } from './oauth/stage.ts'

const folder = process.argv[2] ?? 'pictures'
await mkdir(folder, { recursive: true })
const stage = await startOAuthStage()
const windows = await startBrowser()
const people = { ar: 'sara.test', en: 'maya.test' } as const
try {
  for (const handle of Object.values(people)) await stage.signUp(handle, 'four plain words here')
  for (const language of ['ar', 'en'] as const)
    for (const width of [1280, 390]) {
      const { page, close } = await windows.open({ language, width, height: 800 })
      const person = { handle: people[language], password: 'four plain words here' }
      await letIn(page, stage, person, async (name) => {
        const path = join(folder, `oauth-${name}-${language}-${width}.png`)
        await page.screenshot({ path, fullPage: true })
      })
      await close()
    }
} finally {
  await windows.close()
  await stage.stop()
}
