import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'

const FALAJ = resolve(import.meta.dirname, '../../../bin/falaj')
const folder = mkdtempSync(join(tmpdir(), 'falaj-run-'))
const children = new Set<ChildProcess>()
after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

function start(args: string, program = FALAJ) {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: tmpdir() }
  const child = spawn(program, args.split(' '), { env })
  children.add(child)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const ended = once(child, 'close').then(([code, signal]) => {
    children.delete(child)
    return { code, signal, stdout, stderr }
  })
  const firstLine = async (): Promise<string> => {
    while (!stdout.includes('\n')) {
      if (child.exitCode !== null) throw new Error(stderr)
      await Promise.race([once(child.stdout, 'data'), ended])
    }
    return stdout.slice(0, stdout.indexOf('\n'))
  }
  return { child, ended, firstLine }
}

const run = (args: string) => start(args).ended

test('one line on stdout says that it is ready, and SIGTERM ends it with 0', async () => {
  const { child, ended, firstLine } = start('plc --ephemeral --dev --json')
  const { ready, services } = JSON.parse(await firstLine())
  assert.equal(ready, true)
  const health = await fetch(`${services.plc.url}/xrpc/_health`)
  assert.equal(health.status, 200)
  child.kill('SIGTERM')
  const { code, stdout } = await ended
  assert.equal(code, 0)
  assert.equal(stdout.trim().split('\n').length, 1)
})

test('the pid that was started is the server: kill -9 leaves nothing behind', async () => {
  const data = join(folder, 'killed')
  const first = start(`plc --data ${data} --port 0 --dev --json`)
  const { services } = JSON.parse(await first.firstLine())
  first.child.kill('SIGKILL')
  assert.equal((await first.ended).signal, 'SIGKILL')
  await assert.rejects(fetch(services.plc.url))
  // The lock of the data folder went with it.
  const second = start(`plc --data ${data} --port 0 --dev --json`)
  await second.firstLine()
  const third = await run(`plc --data ${data} --port 0 --dev --json`)
  assert.equal(third.code, 1)
  assert.match(third.stderr, /^falaj: .* is in use by another process\n$/)
  second.child.kill('SIGINT')
  assert.equal((await second.ended).code, 0)
})

test('the command works through a symbolic link', async () => {
  const link = join(folder, 'falaj-link')
  symlinkSync(FALAJ, link)
  const { code, stdout } = await start('--version', link).ended
  assert.equal(code, 0)
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
})

test('misuse exits with 2 and names each problem on a line of stderr', async () => {
  const { code, stdout, stderr } = await run('plc --prot 1 --json=maybe --port no')
  assert.equal(code, 2)
  assert.equal(stdout, '')
  assert.match(stderr, /^falaj: unknown flag --prot$/m)
  assert.match(stderr, /^falaj: --port must be a whole number, 0 to 65535$/m)
  const missing = await run('pds --ephemeral --json')
  assert.equal(missing.code, 2)
  assert.equal(missing.stderr, 'falaj: falaj pds needs a directory: give --plc URL\n')
  for (const args of ['nonsense', 'up --services nonsense', 'plc extra'])
    assert.equal((await run(args)).code, 2, args)
})

test('a port in use exits with 1 and says so in one line', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const { code, stderr } = await run(`plc --ephemeral --port ${port} --json`)
  assert.equal(code, 1)
  assert.equal(stderr, `falaj: port ${port} on 127.0.0.1 is in use\n`)
  server.close()
})

test('--check shows what is in force without secrets, and starts nothing', async () => {
  const { code, stdout } = await run('plc --check --port 1 --metrics-token s3cret')
  assert.equal(code, 0)
  assert.match(stdout, /^plc\.port = 1$/m)
  assert.match(stdout, /^server\.metricsToken = \(secret, set\)$/m)
  assert.doesNotMatch(stdout, /s3cret/)
  assert.equal((await run('plc --check --port x')).code, 2)
})

test('in local mode another name than this machine’s is refused', async () => {
  const { child, ended, firstLine } = start('plc --ephemeral --dev --json')
  const { services } = JSON.parse(await firstLine())
  const { port } = new URL(services.plc.url)
  const { request } = await import('node:http')
  const ask = request({ port, host: '127.0.0.1', headers: { host: 'evil.example.com' } })
  ask.end()
  const [response] = await once(ask, 'response')
  assert.equal(response.statusCode, 421)
  response.destroy()
  child.kill('SIGTERM')
  assert.equal((await ended).code, 0)
})
