/**
 * A vault beside a host of ours, each a process of its own: how far behind it is while people write, and how long it
 * takes to give a large account back: `node bench/vault.ts [records] [writes a second] [seconds]`, 100,000, 1,000 and 15
 * by default. Half of the large account comes while the vault follows it, half was there before.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { verifyRepoCar } from '#protocol/repo'
import { MovingNetwork } from '../network/moving.test-support.ts'
import { eventually, ServerProcess } from '../network/rig.ts'

const [records = 100_000, perSecond = 1_000, seconds = 15] = process.argv.slice(2).map(Number)
const WRITERS = 16
const TICK_MS = 20
const headers = { authorization: `Basic ${btoa('admin:admin-pass')}` }

const network = await new MovingNetwork().start()
const data = mkdtempSync(join(tmpdir(), 'falaj-bench-'))
const vault = new ServerProcess('vault', '--dev', '--data', data, '--plc', network.plc.url)
try {
  const large = await network.person('large', { records: records / 2, blobs: 0 })
  await vault.with('--follow-host', network.old.url).start()
  const copyMs = performance.now()
  await caughtUp(large.did)
  console.log(`copied          ${records / 2} records in ${secondsSince(copyMs)} s`)
  for (let at = 0; at < records / 2; at += 200) {
    const writes = Array.from({ length: 200 }, (_, i) => ({
      $type: 'com.atproto.repo.applyWrites#create',
      collection: 'com.example.note',
      rkey: `later${at + i}`,
      value: { text: `note ${at + i} of somebody who goes on writing` },
    }))
    await network.owner(large, 'com.atproto.repo.applyWrites', { repo: large.did, writes })
  }
  await caughtUp(large.did)

  const people = await Promise.all(
    Array.from({ length: WRITERS }, (_, i) =>
      network.person(`writer${i}`, { records: 0, blobs: 0 }),
    ),
  )
  const lags: number[] = []
  let isDone = false
  const watching = (async () => {
    while (!isDone) {
      lags.push(await metric('falaj_vault_lag_seconds'))
      await sleep(100)
    }
  })()
  const cpuBefore = cpuSeconds()
  const startedMs = performance.now()
  let [begun, written, refused] = [0, 0, 0]
  const open = new Set<Promise<void>>()
  while (performance.now() - startedMs < seconds * 1_000) {
    const due = ((performance.now() - startedMs) / 1_000) * perSecond
    while (begun < due && open.size < 500) {
      const person = people[begun++ % WRITERS]!
      const input = {
        repo: person.did,
        collection: 'com.example.note',
        record: { text: `note ${begun}, ${'and so it goes on '.repeat(8)}` },
      }
      const call = network
        .call(network.old, 'com.atproto.repo.createRecord', { token: person.accessJwt, input })
        .then(({ status }) => void (status === 200 ? written++ : refused++))
        .finally(() => open.delete(call))
      open.add(call)
    }
    await sleep(TICK_MS)
  }
  await Promise.all(open)
  const wroteSeconds = (performance.now() - startedMs) / 1_000
  const endMs = performance.now()
  for (const { did } of people) await caughtUp(did)
  isDone = true
  await watching
  lags.sort((a, b) => a - b)
  const at = (share: number) => lags[Math.floor((lags.length - 1) * share)]!.toFixed(3)
  console.log(
    `written         ${written} at ${Math.round(written / wroteSeconds)}/s, ${refused} refused`,
  )
  console.log(`lag             p50 ${at(0.5)} s, p99 ${at(0.99)} s, most ${at(1)} s`)
  console.log(`in step         ${secondsSince(endMs)} s after the last write`)
  console.log(
    `vault           ${(cpuSeconds() - cpuBefore).toFixed(1)} s of CPU meanwhile, ${residentMb()} MB`,
  )

  for (let run = 0; run < 3; run++) {
    const restoreMs = performance.now()
    const restoreCpu = cpuSeconds()
    const answer = await fetch(`${vault.url}/xrpc/app.falaj.vault.getRepo?did=${large.did}`, {
      headers,
    })
    const car = new Uint8Array(await answer.arrayBuffer())
    const took = secondsSince(restoreMs)
    const cpu = (cpuSeconds() - restoreCpu).toFixed(2)
    const { records: found } = verifyRepoCar(car)
    console.log(
      `restored        ${found.length} records, ${(car.length / 1e6).toFixed(1)} MB in ${took} s, ${cpu} s of CPU`,
    )
  }
  console.log(`vault           ${residentMb()} MB at the end`)
} finally {
  await vault.kill()
  await network.stop()
  rmSync(data, { recursive: true })
}

async function caughtUp(did: string): Promise<void> {
  const answer = await fetch(`${network.old.url}/xrpc/com.atproto.sync.getLatestCommit?did=${did}`)
  const { rev } = (await answer.json()) as { rev: string }
  await eventually(
    `${did} in step`,
    async () => {
      const url = `${vault.url}/xrpc/app.falaj.vault.getAccount?did=${did}`
      const account = (await (await fetch(url, { headers })).json()) as {
        rev?: string
        state: string
      }
      return account.state === 'kept' && account.rev === rev
    },
    300_000,
  )
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${vault.url}/metrics`)).text()
  return Number(new RegExp(`^${name}{.*?} (\\S+)`, 'm').exec(text)?.[1] ?? 0)
}

function secondsSince(ms: number): string {
  return ((performance.now() - ms) / 1_000).toFixed(2)
}

function residentMb(): number {
  const status = readFileSync(`/proc/${vault.pid}/status`, 'utf8')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1_024)
}

function cpuSeconds(): number {
  const stat = readFileSync(`/proc/${vault.pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
