/**
 * What identities cost: `node bench/identity.ts [--operations 20000]`. CPU is that of this process
 * alone, so other work on the machine blurs it least; each figure is the best of three.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMetrics, localTransport, realOutside, silentLog } from '#platform/runtime'
import { loadMigrations, openSqlite } from '#platform/storage'
import { generateKey, type SigningKey } from '#protocol/crypto'
import {
  cachedDirectory,
  identityOf,
  networkDirectory,
  PlcJudge,
  type PlcOperation,
  parseSequencedPlcEntry,
  plcDid,
  plcDocument,
  plcOperationCid,
  signPlcOperation,
} from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { createPlc, plcConfig, plcMigrations } from '#services/plc'

const at = process.argv.indexOf('--operations')
const COUNT = at < 0 ? 20_000 : Number(process.argv[at + 1])
const RUNS = 3

function report(figure: string, count: number, { cpu, wall }: { cpu: number; wall: number }): void {
  const each = ((cpu / count) * 1e6).toFixed(1)
  const perCore = Math.round(count / cpu).toLocaleString('en')
  console.log(`${figure}: ${each} µs of CPU each, ${perCore} /s on a core (${wall.toFixed(1)} s)`)
}

async function timed(work: () => Promise<void> | void): Promise<{ cpu: number; wall: number }> {
  let best = { cpu: Number.POSITIVE_INFINITY, wall: 0 }
  for (let run = 0; run < RUNS; run++) {
    const from = process.cpuUsage()
    const start = performance.now()
    await work()
    const { user, system } = process.cpuUsage(from)
    const cpu = (user + system) / 1e6
    if (cpu < best.cpu) best = { cpu, wall: (performance.now() - start) / 1000 }
  }
  return best
}

// What a directory has: two rotation keys of a large host, which signs with the second; every fourth
// operation changes an identity.

const host = [generateKey('k256'), generateKey('k256')]

function operation(signing: SigningKey, number: number, prev: string | null): PlcOperation {
  return signPlcOperation(
    {
      type: 'plc_operation',
      rotationKeys: host.map((key) => key.publicKey.didKey),
      verificationMethods: { atproto: signing.publicKey.didKey },
      alsoKnownAs: [`at://person-${number}.host.example`],
      services: {
        atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: 'https://pds.host.example' },
      },
      prev,
    } as const,
    host[1]!,
  )
}

function makeLines(): string[] {
  const lines: string[] = []
  const add = (did: Did, one: PlcOperation) => {
    const seq = lines.length + 1
    const createdAt = new Date(Date.UTC(2024, 0, 1) + seq * 10).toISOString()
    const cid = plcOperationCid(one)
    lines.push(JSON.stringify({ type: 'sequenced_op', operation: one, did, cid, createdAt, seq }))
  }
  while (lines.length < COUNT) {
    const key = generateKey('k256')
    const genesis = operation(key, lines.length, null)
    const did = plcDid(genesis)
    add(did, genesis)
    if (lines.length % 3 === 0) add(did, operation(key, lines.length, plcOperationCid(genesis)))
  }
  return lines.slice(0, COUNT)
}

const lines = makeLines()
console.log(`${COUNT} operations, ${Math.round(lines.join('').length / COUNT)} bytes each as JSON`)

// Read, named and verified

const geneses = lines
  .map(parseSequencedPlcEntry)
  .filter((one) => (one.operation as PlcOperation).prev === null)
const [first] = geneses
if (first === undefined) throw new Error('no operations')
const message = new TextEncoder().encode(first.cid.repeat(5))
const signature = host[1]!.sign(message)
report(
  'verifying a signature, nothing else',
  COUNT,
  await timed(() => {
    for (let i = 0; i < COUNT; i++)
      if (!host[1]!.publicKey.verify(message, signature)) throw new Error('not verified')
  }),
)
report(
  'judging a first operation',
  geneses.length,
  await timed(async () => {
    const judge = new PlcJudge()
    for (const one of geneses) await judge.judge(one, undefined)
  }),
)

// A replica, from an upstream that only hands out its lines, into a database on disk

const upstream = 'https://upstream.example'
const folder = mkdtempSync(join(tmpdir(), 'identity-bench-'))
let replicas = 0
report(
  'following, verified and stored',
  COUNT,
  await timed(async () => {
    const sql = await openSqlite(join(folder, `${replicas++}.sqlite`), {
      migrations: loadMigrations(plcMigrations),
      synchronous: 'NORMAL',
    })
    const transport = localTransport()
    transport.add(upstream, {
      handle({ query }) {
        const after = Number(new URLSearchParams(query).get('after'))
        return { status: 200, body: lines.slice(after, after + 1000).join('\n') }
      },
      async *subscribe({ signal }) {
        done()
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        yield []
      },
    })
    const caughtUp = Promise.withResolvers<void>()
    const done = caughtUp.resolve
    const { fetch, subscribe } = transport
    const outside = { ...realOutside(), fetch }
    const service = await createPlc(plcConfig.with({ replicaOf: upstream }), {
      outside,
      subscribe,
      log: silentLog,
      metrics: createMetrics(),
      sql,
    })
    const stop = new AbortController()
    const running = service.loops[0]!.run(stop.signal)
    await caughtUp.promise
    const row = await sql.get<{ n: number }>('select count(*) as n from operation')
    if (row?.n !== COUNT) throw new Error(`${row?.n} operations of ${COUNT}`)
    stop.abort()
    await running
    await service.close()
  }),
)
rmSync(folder, { recursive: true, force: true })

// Resolution out of memory

const documents = new Map(
  geneses.slice(0, 10_000).map(({ did, operation: one }) => {
    const { type: _, prev: __, sig: ___, ...state } = one as PlcOperation
    return [did as Did, JSON.stringify(plcDocument({ did, ...state }))]
  }),
)
const directory = cachedDirectory(
  networkDirectory({
    plcUrl: upstream,
    resolveTxt: async (name) => {
      const [number] = /\d+/.exec(name) ?? []
      return [`did=${dids[Number(number) % dids.length]}`]
    },
    fetch: async (url) => new Response(documents.get(new URL(url).pathname.slice(1) as Did)),
  }),
  { now: () => Date.now() },
)
const dids = [...documents.keys()]
for (const did of dids) await directory.document(did)
const LOOKUPS = 500_000
report(
  'cached resolution of a DID, read',
  LOOKUPS,
  await timed(async () => {
    for (let i = 0; i < LOOKUPS; i++) {
      const found = await directory.document(dids[(i * 7919) % dids.length]!)
      if (identityOf(found!).pds === undefined) throw new Error('no host')
    }
  }),
)
const handles = dids.map((_, i) => `person-${i}.host.example` as const)
for (const handle of handles) await directory.resolveHandle(handle)
report(
  'cached resolution of a handle',
  LOOKUPS,
  await timed(async () => {
    for (let i = 0; i < LOOKUPS; i++)
      await directory.resolveHandle(handles[(i * 7919) % handles.length]!)
  }),
)
