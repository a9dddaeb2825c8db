/**
 * One account leaves the reference PDS twice, its owner writing all the while: by the documented flow to
 * another reference PDS, and by the job of a host of ours. `FALAJ_REFERENCE=… node bench/reference-move.ts
 * [records] [blobs of 1 MB]`, 2,000 and 50 by default. https://atproto.com/guides/account-migration
 */
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  freePort,
  type ReferencePds,
  referenceFolder,
  startReferencePds,
} from '../network/reference/reference-pds.test-support.ts'
import { ServerProcess, temporaryFolder } from '../network/rig.ts'

const [records = 2_000, blobs = 50] = process.argv.slice(2).map(Number)
const NOTE = 'com.example.note'
const MB = 1_000_000
const WRITE_EVERY_MS = 200
/** What its owner finds at the old host, and writes on, when the new one is ready. */
const LATE_MS = 1_000

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
type Body = any

interface Person {
  did: string
  handle: string
  password: string
  email: string
  accessJwt: string
  refreshJwt: string
}

if (!referenceFolder) throw new Error('FALAJ_REFERENCE names no installation of the reference')
const folder = temporaryFolder()
const plc = await new ServerProcess('plc', '--dev', '--data', join(folder.path, 'plc')).start()
const ours = new ServerProcess('pds', '--dev', '--data', join(folder.path, 'ours'))
const ports = [await freePort(), await freePort()]
const hosts = ports.map((port) => `http://localhost:${port}`)
await ours.with('--plc', plc.url, '--pds-hosts', hosts.join(), '--handle-domains', '.test').start()
const [old, other] = (await Promise.all(
  ports.map((port) =>
    startReferencePds(referenceFolder!, {
      ...{ folder: mkdtempSync(join(folder.path, 'theirs-')), port, plcUrl: plc.url },
      ...{ hostname: 'localhost', handleDomain: '.test' },
    }),
  ),
)) as [ReferencePds, ReferencePds]

/** Bytes and calls of the flow that is under way. */
const moved = { bytes: 0, calls: 0 }

async function raw(
  url: string,
  path: string,
  { token, body, type }: { token?: string; body?: Uint8Array | object; type?: string } = {},
): Promise<Uint8Array> {
  const bytes = body instanceof Uint8Array ? Uint8Array.from(body) : undefined
  const answer = await fetch(`${url}/xrpc/${path}`, {
    method: body === undefined && type === undefined ? 'GET' : 'POST',
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': type ?? 'application/json' }),
    },
    ...(body !== undefined && { body: bytes ?? JSON.stringify(body) }),
  })
  const said = new Uint8Array(await answer.arrayBuffer())
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${new TextDecoder().decode(said)}`)
  moved.calls++
  moved.bytes += said.length + (bytes?.length ?? 0)
  return said
}

const json = async (...args: Parameters<typeof raw>): Promise<Body> => {
  const text = new TextDecoder().decode(await raw(...args))
  return text === '' ? undefined : JSON.parse(text)
}

async function person(name: string): Promise<Person> {
  const [handle, email, password] = [`${name}.test`, `${name}@mail.example`, `password of ${name}`]
  const made = await old.post('com.atproto.server.createAccount', { handle, email, password })
  const { did: repo, accessJwt } = made
  for (let at = 0; at < records; at += 100) {
    const writes = Array.from({ length: Math.min(100, records - at) }, (_, i) => ({
      ...{ $type: 'com.atproto.repo.applyWrites#create', collection: NOTE, rkey: `n${at + i}` },
      value: { $type: NOTE, text: `note ${at + i} of ${name}, of ordinary length` },
    }))
    await old.post('com.atproto.repo.applyWrites', { repo, writes }, accessJwt)
  }
  for (let i = 0; i < blobs; i++) {
    const picture = new Uint8Array(MB).fill(i + 1)
    picture.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, i & 255, i >> 8])
    const { blob } = await old.upload(picture, 'image/png', accessJwt)
    const collection = 'com.example.picture'
    const record = { $type: collection, blob }
    await old.post('com.atproto.repo.createRecord', { repo, collection, record }, accessJwt)
  }
  const preferences = [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: false }]
  await old.post('app.bsky.actor.putPreferences', { preferences }, accessJwt)
  return { ...made, email, password }
}

/** Writes at the old host until it refuses; the keys of what was acknowledged, and when the last was. */
function writing({ did: repo, accessJwt }: Person) {
  const keys: string[] = []
  let lastMs = 0
  const over = (async () => {
    for (let i = 0; ; i++) {
      const input = {
        repo,
        collection: NOTE,
        rkey: `late${i}`,
        record: { $type: NOTE, text: `${i}` },
      }
      const answer = await old
        .post('com.atproto.repo.createRecord', input, accessJwt)
        .catch(() => undefined)
      if (!answer) return
      keys.push(`late${i}`)
      lastMs = performance.now()
      await sleep(WRITE_EVERY_MS)
    }
  })()
  return { keys, over, lastMs: () => lastMs }
}

const code = async (who: Person) => {
  await old.post('com.atproto.identity.requestPlcOperationSignature', undefined, who.accessJwt)
  return old.mailedCode(who.did, 'plc_operation')
}

/** As the guide has it, one step after the other. */
async function documented(who: Person): Promise<{ openMs: number }> {
  const { did, handle, email, password, accessJwt: from } = who
  const { did: aud } = await json(other.url, 'com.atproto.server.describeServer')
  const lxm = 'com.atproto.server.createAccount'
  const grant = `com.atproto.server.getServiceAuth?aud=${encodeURIComponent(aud)}&lxm=${lxm}`
  const { token: proof } = await json(old.url, grant, { token: from })
  const made = await json(other.url, lxm, { token: proof, body: { did, handle, email, password } })
  const to = made.accessJwt
  const car = await raw(old.url, `com.atproto.sync.getRepo?did=${did}`)
  await raw(other.url, 'com.atproto.repo.importRepo', {
    ...{ token: to, body: car, type: 'application/vnd.ipld.car' },
  })
  for (let cursor = ''; ; ) {
    const path = `com.atproto.repo.listMissingBlobs?limit=100${cursor && `&cursor=${cursor}`}`
    const page = await json(other.url, path, { token: to })
    for (const { cid } of page.blobs) {
      const bytes = await raw(old.url, `com.atproto.sync.getBlob?did=${did}&cid=${cid}`)
      await raw(other.url, 'com.atproto.repo.uploadBlob', {
        ...{ token: to, body: bytes, type: 'image/png' },
      })
    }
    cursor = page.cursor ?? ''
    if (cursor === '' || page.blobs.length === 0) break
  }
  const { preferences } = await json(old.url, 'app.bsky.actor.getPreferences', { token: from })
  await json(other.url, 'app.bsky.actor.putPreferences', { token: to, body: { preferences } })
  const wanted = await json(other.url, 'com.atproto.identity.getRecommendedDidCredentials', {
    token: to,
  })
  const token = await code(who)
  const { operation } = await json(old.url, 'com.atproto.identity.signPlcOperation', {
    ...{ token: from, body: { token, ...wanted } },
  })
  await json(other.url, 'com.atproto.identity.submitPlcOperation', {
    token: to,
    body: { operation },
  })
  await raw(other.url, 'com.atproto.server.activateAccount', { token: to, type: 'none' })
  const openMs = performance.now()
  await json(old.url, 'com.atproto.server.deactivateAccount', { token: from, body: {} })
  return { openMs }
}

async function byJob(who: Person): Promise<{ openMs: number; receipt: Body }> {
  const { accessJwt, refreshJwt, password } = who
  const input = {
    source: old.url,
    session: { accessJwt, refreshJwt },
    password,
    code: await code(who),
  }
  const begun = await json(ours.url, 'app.falaj.move.start', { body: input })
  let openMs = 0
  for (let after = ''; ; ) {
    const path = `app.falaj.move.get${after && `?after=${after}`}`
    const { move } = await json(ours.url, path, { token: begun.accessJwt })
    if (openMs === 0 && ['leave', 'verify', 'done'].includes(move.step)) openMs = performance.now()
    if (move.state === 'done') {
      moved.bytes = move.bytes ?? moved.bytes
      return { openMs, receipt: move.receipt }
    }
    if (move.state !== 'running') throw new Error(JSON.stringify(move))
    after = String(move.version)
  }
}

async function keysAt(url: string, did: string): Promise<Set<string>> {
  const found = new Set<string>()
  for (let cursor = ''; ; ) {
    const query = `repo=${did}&collection=${NOTE}&limit=100${cursor && `&cursor=${cursor}`}`
    const page = await json(url, `com.atproto.repo.listRecords?${query}`)
    for (const { uri } of page.records) found.add(uri.split('/').at(-1))
    if (page.records.length < 100) return found
    cursor = page.cursor
  }
}

async function measure(
  name: string,
  to: string,
  flow: (who: Person) => Promise<{ openMs: number; receipt?: Body }>,
): Promise<void> {
  const who = await person(name)
  const owner = writing(who)
  await sleep(LATE_MS)
  Object.assign(moved, { bytes: 0, calls: 0 })
  const startedMs = performance.now()
  const { openMs, receipt } = await flow(who)
  const seconds = (performance.now() - startedMs) / 1000
  const { bytes, calls } = moved
  await owner.over
  const there = await keysAt(to, who.did)
  const lost = owner.keys.filter((key) => !there.has(key))
  console.log(`${name}
  seconds          ${seconds.toFixed(1)}
  calls of owner   ${calls}
  MB moved         ${(bytes / MB).toFixed(1)}
  writable at new  ${((openMs - startedMs) / 1000).toFixed(1)} s after the start; last write at old ${((owner.lastMs() - startedMs) / 1000).toFixed(1)} s
  acknowledged     ${owner.keys.length} writes at the old host, of which ${lost.length} are not at the new
  late, brought    ${JSON.stringify(receipt?.late ?? null)}
  records there    ${there.size} notes`)
}

try {
  await measure('guided', other.url, documented)
  await measure('directly', ours.url, byJob)
} finally {
  await Promise.all([old.stop('SIGKILL'), other.stop('SIGKILL'), ours.kill(), plc.kill()])
  folder.remove()
}
process.exit(0)
