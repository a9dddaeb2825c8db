/**
 * Storage, measured: `node bench/storage.ts [directory]`. Prints a table; the figures depend on the disk under the
 * directory (default: the system's temporary one), so that the plain fdatasync of the same disk stands in the first row.
 */
import { closeSync, fdatasync, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  openDiskBlobs,
  openLocalStreams,
  openSqlite,
  openSqliteFile,
  type Stream,
} from '#platform/storage'

const root = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'falaj-bench-'))
const payload = Buffer.alloc(1024, 7)
const entry = { key: 'did:plc:abcdefghijklmnopqrstuvwx', kind: 1, make: () => payload }
const rows: { what: string; figure: string }[] = []

function report(what: string, figure: string): void {
  rows.push({ what, figure })
  console.log(`${what.padEnd(58)} ${figure}`)
}

const perSecond = (count: number, ms: number) =>
  `${Math.round((count / ms) * 1000).toLocaleString('en')} /s`

function spread(times: number[]): string {
  times.sort((one, other) => one - other)
  const at = (part: number) => times[Math.floor(times.length * part)]!.toFixed(3)
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`
}

async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const start = performance.now()
  const result = await work()
  return [performance.now() - start, result]
}

async function plainFdatasync(): Promise<void> {
  const fd = openSync(join(root, 'plain'), 'w+')
  writeSync(fd, Buffer.alloc(4 << 20), 0)
  const times: number[] = []
  for (let turn = 0; turn < 1000; turn++) {
    writeSync(fd, payload, 0, 1024, turn * 1024)
    const [ms] = await timed(
      () => new Promise<void>((done, no) => fdatasync(fd, (error) => (error ? no(error) : done()))),
    )
    times.push(ms)
  }
  closeSync(fd)
  report('fdatasync alone, 1 KB written into a preallocated file', spread(times))
}

async function appendMany(stream: Stream, callers: number, turns: number): Promise<void> {
  const times: number[] = []
  const caller = async () => {
    for (let turn = 0; turn < turns; turn++) {
      times.push((await timed(() => stream.append([entry]).durable))[0])
    }
  }
  const [ms] = await timed(() => Promise.all(Array.from({ length: callers }, caller)))
  report(
    `durable appends of 1 KB, ${callers} callers`,
    `${perSecond(callers * turns, ms)}, ${spread(times)}`,
  )
}

async function readAll(stream: Stream, readers: number): Promise<void> {
  const read = async () => {
    let count = 0
    for await (const batch of stream.read({ after: 0 })) count += batch.length
    return count
  }
  const before = process.cpuUsage()
  const [ms, counts] = await timed(() => Promise.all(Array.from({ length: readers }, read)))
  const { user, system } = process.cpuUsage(before)
  const total = counts.reduce((sum, count) => sum + count)
  const cpu = `${((user + system) / total).toFixed(2)} µs CPU each`
  report(`replay of 1 KB entries, ${readers} readers in all`, `${perSecond(total, ms)}, ${cpu}`)
}

async function fanOut(stream: Stream, readers: number, count: number): Promise<void> {
  const { last } = stream.bounds()
  const objects = new Set<unknown>()
  const reading = Array.from({ length: readers }, async () => {
    let seen = 0
    for await (const batch of stream.read({ after: last, live: true })) {
      objects.add(batch)
      if ((seen += batch.length) >= count) return
    }
  })
  const [ms] = await timed(async () => {
    const waiting: Promise<void>[] = []
    for (let turn = 0; turn < count; turn++) {
      waiting.push(stream.append([entry]).durable)
      if (turn % 16 === 15) await Promise.all(waiting.splice(0))
    }
    await Promise.all(reading)
  })
  report(
    `live fan-out to ${readers} readers, deliveries`,
    `${perSecond(readers * count, ms)} (${objects.size} batches made)`,
  )
}

async function streams(): Promise<void> {
  const directory = join(root, 'streams')
  let home = await openLocalStreams(directory)
  let stream = await home.open('bench')
  for (const [callers, turns] of [
    [1, 1500],
    [16, 3000],
    [64, 3000],
    [256, 800],
  ] as const) {
    await appendMany(stream, callers, turns)
  }
  await fanOut(stream, 100, 20_000)
  await home.close()
  home = await openLocalStreams(directory)
  const [ms, opened] = await timed(() => home.open('bench'))
  stream = opened
  report(
    `opening ${Math.round((stream.bounds().last * 1100) / 1e6)} MB, the last segment read`,
    `${ms.toFixed(0)} ms`,
  )
  for (const readers of [1, 1, 20]) await readAll(stream, readers)
  const [blankMs, count] = await timed(() => stream.blank(({ seq }) => seq % 1000 === 0))
  report(`erasing ${count} entries in place`, `${blankMs.toFixed(0)} ms`)
  await home.close()
}

async function blobs(): Promise<void> {
  const store = await openDiskBlobs(join(root, 'blobs'))
  async function* source() {
    for (let part = 0; part < 16; part++) yield bytes.subarray(part << 16, (part + 1) << 16)
  }
  const bytes = Buffer.alloc(1 << 20, 3)
  for (const clients of [1, 4]) {
    const upload = async (_: unknown, client: number) => {
      for (let turn = 0; turn < 60; turn++) {
        const staged = await store.stage(source())
        await staged.commit(`ab/${client}/${turn}`)
      }
    }
    const [ms] = await timed(() => Promise.all(Array.from({ length: clients }, upload)))
    report(`blobs of 1 MB staged and committed, ${clients} clients`, megabytes(60 * clients, ms))
  }
  const keys = Array.from({ length: 60 }, (_, turn) => `ab/0/${turn}`)
  const [syncMs] = await timed(() => store.sync(keys))
  report('syncing 60 of them', `${syncMs.toFixed(0)} ms`)
  const [readMs] = await timed(async () => {
    for (const key of keys) for await (const chunk of (await store.get(key))!.body) void chunk
  })
  report('reading them', megabytes(60, readMs))
}

const megabytes = (count: number, ms: number) => `${Math.round((count / ms) * 1000)} MB/s`

async function sql(): Promise<void> {
  const migrations = [
    { name: '0001-t', sql: 'CREATE TABLE t (id INTEGER PRIMARY KEY, did TEXT, body BLOB)' },
  ]
  const insert = 'INSERT INTO t (did, body) VALUES (?, ?)'
  const row = ['did:plc:abcdefghijklmnopqrstuvwx', new Uint8Array(300)]
  const db = await openSqlite(join(root, 'db.sqlite'), { migrations })
  const count = 200_000
  const [manyMs] = await timed(async () => {
    for (let turn = 0; turn < count / 500; turn++) {
      await db.runMany(insert, new Array(500).fill(row))
    }
  })
  report('sql: rows inserted, 500 at once', perSecond(count, manyMs))
  const times: number[] = []
  for (let turn = 0; turn < 20_000; turn++) {
    times.push((await timed(() => db.transaction((tx) => tx.run(insert, row))))[0])
  }
  report('sql: transaction of one insert', spread(times))
  const [getMs] = await timed(async () => {
    for (let id = 1; id < 100_000; id++) await db.get('SELECT * FROM t WHERE id = ?', [id])
  })
  report('sql: get by key', perSecond(100_000, getMs))
  const [allMs, all] = await timed(() => db.all('SELECT * FROM t'))
  report('sql: rows of 300 bytes read', perSecond(all.length, allMs))
  await db.close()
  const openTimes: number[] = []
  for (let turn = 0; turn < 200; turn++) {
    const path = join(root, 'accounts', `${turn % 100}`, 'account.sqlite')
    const [ms, file] = await timed(async () => openSqliteFile(path, { migrations }))
    if (turn >= 100) openTimes.push(ms)
    file.run(insert, row as [string, Uint8Array])
    file.close()
  }
  report('sqlite file: opening an existing one', spread(openTimes))
}

try {
  await plainFdatasync()
  await streams()
  await blobs()
  await sql()
} finally {
  await rm(root, { recursive: true })
}
