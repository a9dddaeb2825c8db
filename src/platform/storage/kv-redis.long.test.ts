/** The same promises on a real Redis or Valkey server, where the machine has one. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { kvConformance } from './kv.conformance.ts'
import { openRedisKv } from './kv-redis.ts'

const program = [process.env.REDIS_SERVER, '/usr/bin/redis-server', '/usr/bin/valkey-server'].find(
  (path) => path !== undefined && existsSync(path),
)

if (!program) {
  test('a real Redis server', { skip: 'none on this machine: set REDIS_SERVER' }, () => {})
} else {
  const port = await freePort()
  const args = ['--port', String(port), '--save', '', '--appendonly', 'no', '--bind', '127.0.0.1']
  const child = spawn(program, args, { stdio: 'ignore' })
  process.on('exit', () => child.kill('SIGKILL'))
  child.unref()
  let count = 0

  kvConformance('a real Redis server', async () => {
    const kv = await openRedisKv({
      url: `redis://127.0.0.1:${port}`,
      prefix: `home${count++}:`,
      onError() {},
    })
    for (;;) {
      const isThere = await kv.get('k').then(
        () => true,
        () => false,
      )
      if (isThere) break
      await pass(20)
    }
    return { kv, pass, slackMs: 300, runs: 20 }
  })
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
