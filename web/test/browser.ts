/** A real browser for tests: Chromium from the system, a fresh profile for each window. */
import { existsSync } from 'node:fs'
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

/** One Chromium for many windows; each window has cookies and storage of its own. */
export interface Windows {
  open(view?: View): Promise<Browser>
  close(): Promise<void>
}

/** Starts Chromium; what it opens looks the way each `view` says. */
export async function startBrowser(): Promise<Windows> {
  const browser = await chromium.launch({
    executablePath,
    headless: true,
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
  return {
    async open(view = {}) {
      const context = await browser.newContext({
        viewport: { width: view.width ?? 1280, height: view.height ?? 900 },
        locale: view.language === 'en' ? 'en-GB' : 'ar-OM',
        colorScheme: view.theme ?? 'light',
        reducedMotion: view.reducedMotion === false ? 'no-preference' : 'reduce',
      })
      const page = await context.newPage()
      return { context, page, errors: errorsOf(page), close: () => context.close() }
    },
    close: () => browser.close(),
  }
}

/** Opens a window in a Chromium of its own. */
export async function openBrowser(view: View = {}): Promise<Browser> {
  const windows = await startBrowser()
  const opened = await windows.open(view)
  return { ...opened, close: () => windows.close() }
}

function errorsOf(page: Page): string[] {
  const errors: string[] = []
  page.on('console', (message) => {
    // A refused or dead service is the network's news, not the page's mistake.
    const network = /Failed to load resource|net::ERR/.test(message.text())
    if (message.type() === 'error' && !network) errors.push(message.text())
  })
  page.on('pageerror', (error) => errors.push(String(error)))
  return errors
}

/** The built client's folder, built first when it is missing or stale. */
export async function builtClient(): Promise<string> {
  if (webBuildIsStale()) await buildWeb()
  return webDist
}
