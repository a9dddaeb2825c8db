/**
 * A host is killed at random instants under everything people do: records, pictures, preferences,
 * sign-ups, departures, imports, takedowns, deletions. In the first half the machine lives on; in the second
 * the power went: account files are what the disk had, an older copy, or gone. FALAJ_KILLS sets how
 * often each (200), FALAJ_SEED which instants, FALAJ_LONG_MINUTES when to stop earlier.
 */
import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { parseDidKey } from '#protocol/crypto'
import { identityOf, parseDidDocument } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { decodeFrame, formatParams } from '#protocol/xrpc'
import { eventually, ServerProcess, temporaryFolder } from '../rig.ts'
import {
  type Answer,
  type Call,
  chances,
  longDeadlineMs,
  printedSeed,
  Town,
  Unknown,
} from '../simulation/index.ts'

const KILLS = Number(process.env.FALAJ_KILLS ?? 200)
const SEED = printedSeed('pds-crashes')
const PEOPLE = 10
const PROGRESS_EVERY = 10
const chance = chances(SEED)
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const folder = temporaryFolder()
const dataFolder = join(folder.path, 'pds', 'pds')
let plc: ServerProcess
let pds: ServerProcess
let isUp = false
/** Answers that say the host is in trouble, though nothing was wrong with its disk. */
const troubles: string[] = []

async function call(verb: 'GET' | 'POST', nsid: string, given: Call = {}): Promise<Answer> {
  const { params = {}, input, token, headers } = given
  const query = formatParams(params)
  const isBinary = input instanceof Uint8Array
  try {
    const response = await fetch(`${pds.url}/xrpc/${nsid}${query && `?${query}`}`, {
      method: verb,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(input !== undefined && !isBinary && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(input !== undefined && {
        body: isBinary ? new Uint8Array(input) : JSON.stringify(input),
      }),
      signal: AbortSignal.timeout(30_000),
    })
    const bytes = new Uint8Array(await response.arrayBuffer())
    const isJson = response.headers.get('content-type')?.startsWith('application/json')
    const body = isJson ? JSON.parse(new TextDecoder().decode(bytes)) : undefined
    if (response.status < 500) return { status: response.status, body, bytes }
    troubles.push(`${nsid}: ${response.status} ${JSON.stringify(body)}`)
    throw new Unknown(JSON.stringify(body))
  } catch (error) {
    throw error instanceof Unknown ? error : new Unknown(`${nsid}: ${error}`)
  }
}

/** Everything up to a change that is made now. */
async function follow(cursor: number, hear: (frame: Uint8Array) => Promise<void>): Promise<void> {
  const last = await lastSeq()
  const url = `${pds.url.replace('http', 'ws')}/xrpc/com.atproto.sync.subscribeRepos?cursor=${cursor}`
  const socket = new WebSocket(url)
  socket.binaryType = 'arraybuffer'
  let hearing = Promise.resolve()
  let failure: unknown
  let heard = cursor
  socket.addEventListener('message', ({ data }) => {
    const frame = new Uint8Array(data as ArrayBuffer)
    hearing = hearing
      .then(() => hear(frame))
      .then(() => void (heard = seqOf(frame) ?? heard))
      .catch((error) => void (failure ??= error))
  })
  try {
    const isOver = async () => failure !== undefined || heard >= last
    await eventually('the end of the firehose', isOver, 60_000)
  } finally {
    socket.close()
    await hearing
  }
  if (failure !== undefined) throw failure
}

function seqOf(frame: Uint8Array): number | undefined {
  const decoded = decodeFrame(frame)
  return 'type' in decoded ? (decoded.body as { seq?: number }).seq : undefined
}

const marker = { did: '' as Did, token: '', count: 0 }

/** The seq of a change that is made now: what came before has a lower one. */
async function lastSeq(): Promise<number> {
  if (!marker.did) {
    const input = { handle: 'marker.test', email: 'marker@mail.example', password: 'password' }
    const { body } = await call('POST', 'com.atproto.server.createAccount', { input })
    Object.assign(marker, { did: body.did, token: body.accessJwt })
  }
  const input = {
    repo: marker.did,
    collection: 'com.example.note',
    rkey: 'marker',
    record: { text: String(marker.count++) },
  }
  const answer = await call('POST', 'com.atproto.repo.putRecord', { input, token: marker.token })
  assert.equal(answer.status, 200)
  const db = new DatabaseSync(accountFile(marker.did), { readOnly: true })
  try {
    return Number(db.prepare('SELECT applied_seq FROM head').get()!.applied_seq)
  } finally {
    db.close()
  }
}

function accountFile(did: Did): string {
  const name = did.replaceAll(':', '_')
  for (const shard of readdirSync(join(dataFolder, 'accounts'))) {
    const path = join(dataFolder, 'accounts', shard, name, '1.sqlite')
    if (existsSync(path)) return path
  }
  throw new Error(`no file of ${did}`)
}

async function keyOf(did: Did) {
  const document = parseDidDocument(await (await fetch(`${plc.url}/${did}`)).json())
  return parseDidKey(identityOf(document).signingKey!)
}

/** How long each start after a death took, to the ready line. */
const recoveries: number[] = []

async function start(): Promise<void> {
  const startMs = performance.now()
  await pds.start()
  recoveries.push(performance.now() - startMs)
  isUp = true
}

/** A line now and then, and at the end: whoever waits for the whole sees that it goes on. */
function tell(what: string, count: number): void {
  if (count % PROGRESS_EVERY !== 0 && count < KILLS) return
  const sorted = recoveries.toSorted((a, b) => a - b)
  const at = (part: number) => Math.round(sorted[Math.floor((sorted.length - 1) * part)] ?? 0)
  const took = `ready after ${at(0.5)} ms (p50), ${at(0.95)} (p95), ${at(1)} (longest)`
  const seconds = Math.round(performance.now() / 1_000)
  process.stderr.write(
    `pds-crashes: ${count} ${what} in ${seconds} s; ${recoveries.length} recoveries, ${took}; ` +
      `${town.doneCount} acknowledged, ${town.eventCount} events\n`,
  )
}

async function kill(): Promise<void> {
  isUp = false
  await pds.kill()
}

/** Each account's folder as it was synced last, taken when the host ended in good order. */
const synced = join(folder.path, 'synced')

function keepSynced(): void {
  rmSync(synced, { recursive: true, force: true })
  cpSync(join(dataFolder, 'accounts'), synced, { recursive: true })
}

/** What each account's file on the disk reflects at least: no power cut takes back what was synced. */
function syncedSeqs(): Map<string, number> {
  const db = new DatabaseSync(join(dataFolder, 'directory.sqlite'), { readOnly: true })
  try {
    const rows = db.prepare('SELECT did, synced_seq FROM accounts').all()
    return new Map(
      rows.map((row) => [String(row.did).replaceAll(':', '_'), Number(row.synced_seq)]),
    )
  } finally {
    db.close()
  }
}

/** What a copy of a file reflects; nothing where there is none. */
function appliedSeq(path: string): number {
  if (!existsSync(path)) return 0
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    return Number(db.prepare('SELECT applied_seq FROM head').get()?.applied_seq ?? 0)
  } finally {
    db.close()
  }
}

/**
 * The power went: of an account's file the disk may have kept everything, or only what was synced
 * last. Accounts with an imported generation stay: which part of that was synced is not seen here.
 */
function losePower(): number {
  let lost = 0
  const seqs = syncedSeqs()
  const accounts = join(dataFolder, 'accounts')
  for (const shard of readdirSync(accounts)) {
    for (const name of readdirSync(join(accounts, shard))) {
      const path = join(accounts, shard, name)
      const before = join(synced, shard, name)
      const isFirst = (folder: string) =>
        existsSync(folder) &&
        readdirSync(folder).every((file) => file === '1.sqlite' || file.startsWith('1.sqlite-'))
      const wasThere = existsSync(before)
      if (!isFirst(path) || (wasThere && !isFirst(before)) || chance() < 0.4) continue
      // A checkpoint has synced it since.
      if (appliedSeq(join(before, '1.sqlite')) < (seqs.get(name) ?? 0)) continue
      rmSync(path, { recursive: true })
      if (wasThere) cpSync(before, path, { recursive: true })
      lost++
    }
  }
  return lost
}

const town = new Town({
  world: { call, isUp: () => isUp },
  chance,
  size: PEOPLE,
  keyOf,
  follow,
})

/** Until so many more things are done and a random instant has passed; a slow machine gets a bound. */
async function aWhile(): Promise<void> {
  const aim = town.doneCount + chance.upTo(120)
  const endMs = Date.now() + 5_000
  while (town.doneCount < aim && Date.now() < endMs) await sleep(1)
  await sleep(chance.upTo(30))
}

before(async () => {
  plc = await new ServerProcess('plc', '--dev', '--data', `${folder.path}/plc`).start()
  const flags = ['--dev', '--plc', plc.url, '--data', `${folder.path}/pds`]
  pds = await new ServerProcess('pds', ...flags).start()
  isUp = true
})
after(async () => {
  await pds?.kill()
  await plc?.kill()
  folder.remove()
})

describe('a host that dies under everything people do', () => {
  test('killed, it loses nothing acknowledged and announces everything once', async () => {
    const deadlineMs = longDeadlineMs(0.35)
    let kills = 0
    while (kills < KILLS && Date.now() < deadlineMs) {
      const living = town.live()
      await aWhile()
      const before = troubles.length
      await kill()
      await living
      assert.deepEqual(troubles.slice(before), [])
      kills++
      // One kill in five falls into the start after another.
      while (chance() < 0.2) {
        const starting = pds.start().catch(() => {})
        await sleep(100 + chance.upTo(400))
        await pds.kill()
        await starting
        kills++
      }
      await start()
      await town.settle()
      assert.deepEqual(troubles, [])
      tell('kills', kills)
    }
    process.stderr.write(`pds-crashes: ${kills} kills; ${town.describe()}\n`)
    recoveries.length = 0
  })

  test('without power, it loses nothing acknowledged and announces everything once', async () => {
    const deadlineMs = longDeadlineMs(0.7)
    let cuts = 0
    let lost = 0
    await town.settle()
    isUp = false
    await pds.stop()
    keepSynced()
    await start()
    while (cuts < KILLS && Date.now() < deadlineMs) {
      const living = town.live()
      await aWhile()
      await kill()
      await living
      lost += losePower()
      cuts++
      await start()
      await town.settle()
      assert.deepEqual(troubles, [])
      tell('power cuts', cuts)
      if (chance() < 0.2) {
        isUp = false
        await pds.stop()
        keepSynced()
        await start()
      }
    }
    process.stderr.write(
      `pds-crashes: ${cuts} power cuts, ${lost} files set back; ${town.describe()}\n`,
    )
    assert.ok(lost > 0, 'some files were set back')
  })

  test('from the beginning, everything is heard once more', () => town.hearAgain())
})
