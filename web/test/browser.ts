/** A real browser for tests: Chromium from the system, a fresh profile each time. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { buildWeb, webBuildIsStale, webDist } from '../build.ts'

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** Why browser tests cannot run here, or undefined. */
export const noBrowser: string | undefined = existsSync(executablePath)
  ? undefined
  : `no browser at ${executablePath} (set CHROMIUM)`

export interface View {
  language?: 'ar' | 'en'
  theme?: 'light' | 'dark'
  width?: number
  height?: number
  reducedMotion?: boolean
}

export interface Browser {
  context: BrowserContext
  page: Page
  /** What the page wrote to its console as errors, and what it threw. */
  errors: string[]
  close(): Promise<void>
}

/** Opens a window that looks the way `view` says. */
export async function openBrowser(view: View = {}): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'falaj-browser-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    viewport: { width: view.width ?? 1280, height: view.height ?? 900 },
    locale: view.language === 'en' ? 'en-GB' : 'ar-OM',
    colorScheme: view.theme ?? 'light',
    reducedMotion: view.reducedMotion === false ? 'no-preference' : 'reduce',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
  const page = context.pages()[0] ?? (await context.newPage())
  const errors: string[] = []
  page.on('console', (message) => {
    // A refused or dead service is the network's news, not the page's mistake.
    const network = /Failed to load resource|net::ERR/.test(message.text())
    if (message.type() === 'error' && !network) errors.push(message.text())
  })
  page.on('pageerror', (error) => errors.push(String(error)))
  return {
    context,
    page,
    errors,
    async close() {
      await context.close()
      await rm(profile, { recursive: true, force: true })
    },
  }
}

/** The built client's folder, built first when it is missing or stale. */
export async function builtClient(): Promise<string> {
  if (webBuildIsStale()) await buildWeb()
  return webDist
}
