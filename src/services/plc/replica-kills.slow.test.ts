import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createMetrics, listen, realOutside, silentLog } from '#platform/runtime'
import { loadMigrations, openSqlite } from '#platform/storage'
import { plcOperationCid } from '#protocol/identity'
import { createPlc, plcConfig, plcMigrations } from './index.ts'
import { Person } from './plc.test-support.ts'

const folder = mkdtempSync(join(tmpdir(), 'replica-kills-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const program = join(import.meta.dirname, 'replica-child.test-support.ts')
const KILLS = 5
/** People at the start, and those who come in each round. */
const AT_FIRST = 120
const EACH_ROUND = 12

async function startUpstream() {
  const sql = await openSqlite(':memory:', {
    migrations: loadMigrations(plcMigrations),
    synchronous: 'FULL',
  })
  const deps = { outside: realOutside(), log: silentLog, metrics: createMetrics() }
  const service = await createPlc(plcConfig.with({ limits: false }), { ...deps, sql })
  const listener = await listen(service, { ...deps, port: 0, loopbackOnly: true })
  return { url: listener.url, close: () => listener.close() }
}

async function post(url: string, did: string, operation: object): Promise<void> {
  const answer = await fetch(`${url}/${did}`, { method: 'POST', body: JSON.stringify(operation) })
  assert.equal(answer.status, 200, await answer.text())
}

/** One person's history with a fork that is taken back. */
async function live(url: string, person: Person): Promise<void> {
  const first = plcOperationCid(person.genesis)
  await post(url, person.did, person.genesis)
  await post(url, person.did, person.named(first, 'mallory', person.keys[2]))
  await post(url, person.did, person.named(first, 'again', person.keys[0]))
}

async function startChild(path: string, upstream: string): Promise<[ChildProcess, string]> {
  const child = spawn(process.execPath, [program, path, upstream], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return [child, String((await once(child.stdout!, 'data'))[0]).trim()]
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

test('a replica killed again and again while it reads ends with exactly its directory’s log', async () => {
  const upstream = await startUpstream()
  const people = Array.from(
    { length: AT_FIRST + KILLS * EACH_ROUND },
    (_, i) => new Person(`k${i}`, 3),
  )
  await Promise.all(people.slice(0, AT_FIRST).map((person) => live(upstream.url, person)))
  const path = join(folder, 'replica.sqlite')
  const seqs: number[] = []
  let next = AT_FIRST
  for (let round = 0; round < KILLS; round++) {
    const [child, url] = await startChild(path, upstream.url)
    // Killed at whatever it is at when so many more operations have come in, by page or by stream.
    const until = (seqs.at(-1) ?? 0) + 23 * (round + 1)
    const living = (async () => {
      for (let i = 0; i < EACH_ROUND; i++) await live(upstream.url, people[next++]!)
    })()
    let seq = 0
    while (seq < until) {
      const status = (await (await fetch(`${url}/_replica`)).json()) as {
        seq: number
        state: string
      }
      seq = status.seq
      if (status.state === 'following' && seq >= 3 * (AT_FIRST + EACH_ROUND * round)) break
    }
    await kill(child)
    await living
    seqs.push(seq)
  }
  const [child, url] = await startChild(path, upstream.url)
  const newest = 3 * people.length
  for (;;) {
    const status = (await (await fetch(`${url}/_replica`)).json()) as { seq: number; held: number }
    assert.equal(status.held, 0)
    if (status.seq === newest) break
  }
  for (let at = 0; at < newest; at += 1_000) {
    const page = `/export?after=${at}`
    const [ours, theirs] = await Promise.all([url, upstream.url].map((from) => fetch(from + page)))
    assert.equal(await ours!.text(), await theirs!.text())
  }
  for (const { did } of people.slice(0, 20)) {
    const page = `/${did}/log/audit`
    const [ours, theirs] = await Promise.all([url, upstream.url].map((from) => fetch(from + page)))
    assert.equal(await ours!.text(), await theirs!.text())
  }
  await kill(child)
  await upstream.close()
})
