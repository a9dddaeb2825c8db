import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { brotliDecompressSync } from 'node:zlib'
import type { HttpRequest } from '#platform/runtime'
import { createWeb } from './web.ts'

const folder = mkdtempSync(join(tmpdir(), 'falaj-web-'))
after(() => rmSync(folder, { recursive: true }))
mkdirSync(join(folder, 'assets'))
writeFileSync(join(folder, 'index.html'), '<!doctype html>page')
writeFileSync(join(folder, 'assets/main-ABCDEFGH.js'), 'console.log(1);'.repeat(100))
writeFileSync(join(folder, 'assets/font-ABCDEFGH.woff2'), 'font')

const web = (dev = true) =>
  createWeb({ folder, dev, version: '1.2.3', config: () => ({ plc: 'http://plc.test' }) })

async function ask(path: string, more: Partial<HttpRequest> = {}, dev = true) {
  const request = { method: 'GET', path, query: '', headers: {}, ...more } as HttpRequest
  const { status, headers = {}, body } = await web(dev).handle(request)
  return {
    status,
    headers,
    text: Buffer.from((body as string | Uint8Array) ?? '').toString(),
    body,
  }
}

test('pages of any address are the one page, also when they end in a handle', async () => {
  for (const path of ['/', '/timeline', '/profile/alice.test', '/profile/bob.example/post/3k']) {
    const { status, headers, text } = await ask(path)
    assert.equal(status, 200)
    assert.equal(text, '<!doctype html>page')
    assert.equal(headers['content-type'], 'text/html; charset=utf-8')
    assert.equal(headers['cache-control'], 'no-cache')
  }
})

test('operators have a page of their own, where the client was made with one', async () => {
  assert.equal((await ask('/console')).text, '<!doctype html>page')
  const operators = join(folder, 'console.html')
  writeFileSync(operators, '<!doctype html>console')
  for (const path of ['/console', '/console/']) {
    const { text, headers } = await ask(path)
    assert.equal(text, '<!doctype html>console')
    assert.match(headers['content-security-policy']!, /frame-ancestors 'none'/)
  }
  assert.equal((await ask('/consoles')).text, '<!doctype html>page')
  rmSync(operators)
})

test('files are themselves, and kept for ever where their name carries a hash', async () => {
  const { headers, text } = await ask('/assets/main-ABCDEFGH.js')
  assert.match(text, /^console/)
  assert.equal(headers['content-type'], 'text/javascript; charset=utf-8')
  assert.match(headers['cache-control']!, /immutable/)
})

test('a missing file is missing, and nothing outside the folder is there', async () => {
  for (const path of ['/assets/old-12345678.js', '/assets/x', '/robots.txt', '/favicon.ico'])
    assert.equal((await ask(path)).status, 404, path)
  for (const path of ['/../package.json', '/assets/../../package.json', '/%2e%2e/package.json'])
    assert.ok(!(await ask(path)).text.includes('falaj'), path)
})

test('text is packed for those who take it, fonts never', async () => {
  const headers = { 'accept-encoding': 'gzip, br' }
  const script = await ask('/assets/main-ABCDEFGH.js', { headers })
  assert.equal(script.headers['content-encoding'], 'br')
  assert.match(brotliDecompressSync(script.body as Uint8Array).toString(), /^console/)
  const font = await ask('/assets/font-ABCDEFGH.woff2', { headers })
  assert.equal(font.headers['content-encoding'], undefined)
})

test('what a browser has already is not sent again', async () => {
  const { headers } = await ask('/')
  const again = await ask('/', { headers: { 'if-none-match': headers.etag } })
  assert.equal(again.status, 304)
  assert.equal(again.body, undefined)
})

test('the client is told its network, fresh', async () => {
  const { headers, text } = await ask('/config.json')
  assert.deepEqual(JSON.parse(text), { plc: 'http://plc.test' })
  assert.equal(headers['cache-control'], 'no-cache')
  assert.equal((await ask('/xrpc/_health')).text, '{"version":"1.2.3"}')
})

test('nothing but our own files runs, and nobody frames the page', async () => {
  for (const path of ['/', '/config.json', '/nothing.js']) {
    const policy = (await ask(path)).headers['content-security-policy']!
    assert.match(policy, /default-src 'none'; script-src 'self';/)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.doesNotMatch(policy, /unsafe/)
  }
  const production = (await ask('/', {}, false)).headers['content-security-policy']!
  assert.doesNotMatch(production, /http:|ws:/)
})

test('only reading is answered', async () => {
  assert.equal((await ask('/', { method: 'POST' })).status, 405)
  assert.equal((await ask('/', { method: 'HEAD' })).status, 200)
})
