/**
 * A move between two hosts of ours, each a process of its own, while its owner goes on writing:
 * `node bench/moves.ts [records] [blobs of 1 MB]`, 100,000 and 1,000 by default; `1000000 0` is the largest that is promised.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { MovingNetwork } from '../network/moving.test-support.ts'
import type { ServerProcess } from '../network/rig.ts'

const [records = 100_000, blobs = 1_000] = process.argv.slice(2).map(Number)
const WRITE_EVERY_MS = 50 // 20 a second
const MB = 1_000_000

const residentMb = ({ pid }: ServerProcess) => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round((Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024) / MB)
}

const network = await new MovingNetwork().start()
try {
  const idle = { old: residentMb(network.old), new: residentMb(network.new) }
  const mover = await network.person('mover', { records, blobs: 0 })
  for (let at = 0; at < blobs; at += 8) {
    const some = Array.from({ length: Math.min(8, blobs - at) }, (_, i) => at + i)
    await Promise.all(some.map((i) => network.picture(mover, i, MB)))
  }
  const before = { old: residentMb(network.old), new: residentMb(network.new) }
  const peak = { ...before }
  let isDone = false
  let [written, refused, firstRefusedMs, lastRefusedMs] = [0, 0, 0, 0]
  const writing = (async () => {
    for (let i = 0; !isDone; i++) {
      const record = { text: `written meanwhile ${i}` }
      const input = { repo: mover.did, collection: 'com.example.note', record }
      const { status } = await network.call(network.old, 'com.atproto.repo.createRecord', {
        token: mover.accessJwt,
        input,
      })
      if (status === 200) written++
      else if (status === 503) {
        refused++
        firstRefusedMs ||= performance.now()
        lastRefusedMs = performance.now()
      } else break
      peak.old = Math.max(peak.old, residentMb(network.old))
      peak.new = Math.max(peak.new, residentMb(network.new))
      await sleep(WRITE_EVERY_MS)
    }
  })()
  const startedMs = performance.now()
  const token = await network.begin(mover)
  const moved = await network.watch(token, ({ state }) => state === 'done', 600_000)
  const seconds = (performance.now() - startedMs) / 1000
  isDone = true
  await writing
  const { receipt } = moved
  console.log(`state           ${moved.state} ${moved.problem ?? ''}`)
  console.log(`moved           ${receipt?.records} records, ${receipt?.blobs} blobs of 1 MB`)
  console.log(`seconds         ${seconds.toFixed(1)}`)
  console.log(
    `writes held     ${((lastRefusedMs - firstRefusedMs) / 1000).toFixed(2)} s, ${refused} refused`,
  )
  console.log(
    `written there   ${written}, same root ${receipt?.sameRoot}, missing ${receipt?.missingBlobs.length}`,
  )
  const memory = (host: 'old' | 'new') =>
    `${idle[host]} MB idle, ${before[host]} MB before, ${peak[host]} MB at most`
  console.log(`old host        ${memory('old')}`)
  console.log(`new host        ${memory('new')}`)
} finally {
  await network.stop()
}
