/** A host, a directory and somebody else's app at an address of its own. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Page } from 'playwright-core'
import { startFalaj } from '../whole.ts'

export const SCOPE = 'atproto repo:app.bsky.feed.post blob:image/* account:email'

export interface OAuthStage {
  /** Where the app is. */
  app: string
  /** Where the host is. */
  host: string
  signUp(handle: string, password: string): Promise<{ did: string }>
  stop(): Promise<void>
}

export async function startOAuthStage(): Promise<OAuthStage> {
  const whole = await startFalaj(['--services', 'plc,pds'])
  const { plc, pds } = whole.ready.services
  const host = pds[0]!.url
  const app = await serveApp(host, plc.url)
  return {
    app: app.url,
    host,
    async signUp(handle, password) {
      const response = await fetch(`${host}/xrpc/com.atproto.server.createAccount`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ handle, password, email: `${handle}@mail.example` }),
      })
      return (await response.json()) as { did: string }
    },
    async stop() {
      await app.stop()
      await whole.stop()
    },
  }
}

async function serveApp(host: string, directory: string) {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'app.ts')],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  })
  const html = `<!doctype html><html lang="en" data-host="${host}" data-directory="${directory}" data-scope="${SCOPE}">
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>An app</title>
<style>body{font:16px/1.6 system-ui;max-width:26rem;margin:4rem auto;padding:0 1rem}input,button{font:inherit;padding:.4rem .8rem;margin:.2rem 0}</style>
<h1>An app</h1><p><input value="" placeholder="handle"> <button id="sign-in">Sign in</button></p>
<p><button id="write">Write</button> <button id="renew">Renew</button> <button id="sign-out">Sign out</button></p>
<output></output><script type="module" src="/app.js"></script></html>`
  const server = createServer((request, response) => {
    const isScript = request.url === '/app.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? outputFiles[0]!.contents : html)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    stop: async () => {
      server.closeAllConnections()
      await once(server.close(), 'close')
    },
  }
}

/** Waits until the app says something that fits, and gives it. */
export async function told(page: Page, pattern: RegExp): Promise<string> {
  const output = page.locator('output')
  await output.filter({ hasText: pattern }).waitFor()
  return (await output.textContent())!
}

/** From the app to the host's sign-in and its question, and back; `look` sees each page on the way. */
export async function letIn(
  page: Page,
  { app }: OAuthStage,
  person: { handle: string; password: string },
  look: (name: string) => Promise<void> = async () => {},
): Promise<string> {
  await page.goto(app)
  await told(page, /^signed out/)
  await page.locator('input').fill(person.handle)
  await look('1-app')
  await page.locator('#sign-in').click()
  await page.locator('input[name=password]').fill(person.password)
  await look('2-sign-in')
  await page.locator('form .wide-button').first().click()
  await page.locator('button[value=allow]').waitFor()
  await look('3-question')
  await page.locator('input[name=scope][value="2"]').uncheck()
  await look('4-declined-one')
  await page.locator('button[value=allow]').click()
  const said = await told(page, /^signed in/)
  await look('5-let-in')
  return said
}
