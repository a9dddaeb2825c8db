import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError } from '#platform/runtime'
import { runIndex } from './appview-index.ts'

async function problems(line: string): Promise<readonly string[]> {
  const misuse = await runIndex(line.split(' ').filter(Boolean)).catch((error) => error)
  assert.ok(misuse instanceof ConfigError, `${line}: ${misuse}`)
  return misuse.problems
}

test('a wrong use is told before any app view is asked', async () => {
  for (const line of ['', 'burn', 'refused more --url http://localhost:1'])
    assert.match((await problems(line))[0]!, /falaj index refused --url/)
  assert.match((await problems('refused')).join(), /--url is needed/)
  assert.match((await problems('refused --url http://localhost:1 --limit 101')).join(), /--limit/)
  assert.match((await problems('refused --url http://localhost:1 --did ann')).join(), /--did/)
})

test('refused records are shown with their reasons, and steer no terminal', async (t) => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url!)
    const record = {
      uri: 'at://did:plc:ann22222222222222222222222/a.b.c/one',
      reason: 'invalid',
      detail: 'red \u001b[31m',
      seenAt: '2026-01-01T00:00:00.000Z',
    }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ records: [record], cursor: '7:' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as { port: number }
  const written: string[] = []
  t.mock.method(process.stdout, 'write', (text: string) => written.push(text) > 0)
  const code = await runIndex(['refused', '--url', `http://localhost:${port}`, '--limit', '1'])
  t.mock.restoreAll()
  const text = written.find((one) => one.includes('a.b.c/one'))
  assert.equal(code, 0)
  assert.match(asked[0]!, /app\.falaj\.appview\.listRefused\?limit=1/)
  assert.match(text!, /invalid {6}at:\/\/.*\n {4}red {2}\[31m\nMore: --cursor 7:/)
})

test('a rebuild is asked for with the password and watched until another index serves', async (t) => {
  const asked: string[] = []
  let looks = 0
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`)
    const running = request.method === 'POST' || looks++ === 0
    const status = { running, listed: true, left: 3, failing: 1, behind: 9 }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(running ? status : { running }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as { port: number }
  const folder = mkdtempSync(join(tmpdir(), 'falaj-index-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'password')
  writeFileSync(file, 'secret\n')
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const told: string[] = []
  t.mock.method(process.stderr, 'write', (text: string) => {
    setImmediate(() => t.mock.timers.tick(2_000))
    return told.push(text) > 0
  })
  const written: string[] = []
  t.mock.method(process.stdout, 'write', (text: string) => written.push(text) > 0)
  const url = `http://localhost:${port}`
  const code = await runIndex(['rebuild', '--url', url, '--password-file', file])
  t.mock.restoreAll()
  assert.equal(code, 0)
  assert.match(asked[0]!, /POST .*\.rebuild Basic YWRtaW46c2VjcmV0/)
  assert.match(told.join(), /3 repositories left, 1 whose hosts fail, 9 events behind/)
  assert.ok(written.some((text) => text.includes('made anew serves')))
})
