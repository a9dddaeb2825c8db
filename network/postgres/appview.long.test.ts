/** Every test of the app view, with its index in PostgreSQL. FALAJ_TEST_FILES narrows it to some. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { noPostgres, startPostgres } from '#network/postgres'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const FILES = process.env.FALAJ_TEST_FILES ?? 'src/services/appview/**/!(*.long).test.ts'

test('the app view does on PostgreSQL what it does on SQLite', {
  skip: noPostgres(),
}, async (t) => {
  const server = await startPostgres()
  t.after(() => server.stop())
  const child = spawn(process.execPath, ['--test', '--test-concurrency=2', ...FILES.split(' ')], {
    cwd: ROOT,
    env: {
      ...process.env,
      NODE_TEST_CONTEXT: undefined,
      FALAJ_TEST_ENGINE: 'postgres',
      FALAJ_TEST_POSTGRES: server.url,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const [code] = await new Promise<[number | null]>((resolve) =>
    child.on('close', (status) => resolve([status])),
  )
  assert.equal(code, 0, output.slice(output.indexOf('failing tests')))
  assert.match(output, /pass [1-9]\d*/)
})
