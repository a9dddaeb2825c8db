/**
 * Two hosts as processes of their own, one the standby of the other, under load. The standby is
 * killed while it copies and while it follows, its connection is cut; then the first host is killed
 * and the standby promoted: every acknowledged write is there, people go on with what they had, and
 * the relay takes what the host says next.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { eventually, runFalaj, ServerProcess, temporaryFolder } from '../rig.ts'

const SECRET = 'what-two-hosts-of-this-test-share'
const PEOPLE = 6
const NOTE = 'com.example.note'
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** An address that leads elsewhere, as a name does: to one host, to another, or nowhere. */
class Gate {
  readonly #sockets = new Set<Socket>()
  #to: number | undefined
  url = ''
  close = () => {}

  static async open(): Promise<Gate> {
    const gate = new Gate()
    const server = createServer((socket) => gate.#pass(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    gate.url = `http://localhost:${(server.address() as AddressInfo).port}`
    gate.close = () => {
      gate.lead(undefined)
      server.close()
    }
    return gate
  }

  lead(to: string | undefined): void {
    this.#to = to === undefined ? undefined : Number(new URL(to).port)
    for (const socket of this.#sockets) socket.destroy()
  }

  #pass(socket: Socket): void {
    socket.on('error', () => {})
    if (this.#to === undefined) return void socket.destroy()
    const out = connect(this.#to, '127.0.0.1')
    out.on('error', () => socket.destroy())
    for (const [one, other] of [
      [socket, out],
      [out, socket],
    ] as const) {
      this.#sockets.add(one)
      one.on('close', () => {
        this.#sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  }
}

interface Person {
  did: string
  handle: string
  accessJwt: string
  refreshJwt: string
}

type Json = Record<string, unknown> & { [key: string]: never }

/** A connection that was open when the name led elsewhere is of no use any more: on another one, then. */
async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as { code?: string }
    if (code !== 'UND_ERR_SOCKET' && code !== 'ECONNRESET') throw error
    return fetch(url, init)
  }
}

async function call(url: string, nsid: string, input?: unknown, token?: string): Promise<Json> {
  const response = await reach(`${url}/xrpc/${nsid}`, {
    method: input === undefined && !nsid.includes('refresh') ? 'GET' : 'POST',
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(input !== undefined && { 'content-type': 'application/json' }),
    },
    ...(input !== undefined && { body: JSON.stringify(input) }),
    signal: AbortSignal.timeout(30_000),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${nsid}: ${response.status} ${text}`)
  return text === '' ? ({} as Json) : JSON.parse(text)
}

/** One standby's story, from an empty folder to the host. */
async function story(
  mode: 'sync' | 'async',
  t: { after(work: () => unknown): void },
  lease: readonly string[] = [],
) {
  const folder = temporaryFolder()
  const [name, link] = [await Gate.open(), await Gate.open()]
  const plc = await new ServerProcess('plc', '--data', join(folder.path, 'plc')).start()
  const own = ['--plc', plc.url, '--dev', '--public-url', name.url]
  const shared = [...own, ...lease, '--standby-secret', SECRET, '--standby-mode', mode]
  const first = new ServerProcess('pds', '--data', join(folder.path, 'first'), ...shared)
  const second = new ServerProcess(
    ...['pds', 'standby', '--of', link.url, '--data', join(folder.path, 'second')],
    ...shared,
  )
  const relay = new ServerProcess('relay', '--data', join(folder.path, 'relay'), '--plc', plc.url)
  relay.with('--pds-hosts', name.url, '--dev')
  t.after(async () => {
    for (const process of [first, second, relay, plc]) await process.kill()
    name.close()
    link.close()
    folder.remove()
  })
  const firstUrl = await first.reserve()
  const secondUrl = await second.reserve()
  await first.start()
  name.lead(firstUrl)
  link.lead(firstUrl)
  await relay.start()
  const people: Person[] = []
  for (let n = 0; n < PEOPLE; n++) {
    const input = { handle: `person${n}.test`, email: `p${n}@x.test`, password: `password ${n}` }
    people.push((await call(name.url, 'com.atproto.server.createAccount', input)) as never)
  }
  return { name, link, plc, first, second, relay, firstUrl, secondUrl, people }
}

async function promote(
  url: string,
  ...flags: string[]
): Promise<{ tookMs: number; accountsStopped: number }> {
  const { code, out, err } = await runFalaj(['pds', 'promote', '--host', url, '--json', ...flags], {
    FALAJ_PDS_STANDBY_SECRET: SECRET,
  })
  assert.equal(code, 0, err)
  return JSON.parse(out)
}

/** Writes until `until` aborts; `acknowledged` has what was answered. */
async function writeOn(
  url: string,
  person: Person,
  acknowledged: Map<string, string>,
  until: AbortSignal,
) {
  for (let n = 0; !until.aborted; n++) {
    const rkey = `${person.handle.replaceAll('.', '-')}-${n}`
    const input = { repo: person.did, collection: NOTE, rkey, record: { text: `note ${n}` } }
    try {
      await call(url, 'com.atproto.repo.createRecord', input, person.accessJwt)
      acknowledged.set(`${person.did}/${rkey}`, `note ${n}`)
    } catch {
      await sleep(50)
    }
  }
}

const status = (url: string) =>
  call(url, 'app.falaj.standby.getStatus', undefined, SECRET) as Promise<unknown> as Promise<{
    state: string
    lagEntries: number
    unsound: number
  }>

const follows = (url: string) =>
  eventually('the standby follows', async () => (await status(url)).state === 'following', 60_000)

async function notesOf(url: string, did: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  let cursor: string | undefined
  do {
    const query = `repo=${did}&collection=${NOTE}&limit=100${cursor ? `&cursor=${cursor}` : ''}`
    const page = (await call(url, `com.atproto.repo.listRecords?${query}`)) as unknown as {
      records: { uri: string; value: { text: string } }[]
      cursor?: string
    }
    for (const { uri, value } of page.records) found.set(uri.split('/').at(-1)!, value.text)
    cursor = page.records.length === 100 ? page.cursor : undefined
  } while (cursor)
  return found
}

async function lostOf(url: string, acknowledged: Map<string, string>): Promise<string[]> {
  const here = new Map<string, Map<string, string>>()
  const lost: string[] = []
  for (const [uri, text] of acknowledged) {
    const [did, rkey] = uri.split('/') as [string, string]
    if (!here.has(did)) here.set(did, await notesOf(url, did))
    if (here.get(did)!.get(rkey) !== text) lost.push(uri)
  }
  return lost
}

describe('a host and its standby', () => {
  for (const mode of ['sync', 'async'] as const) {
    test(`${mode}: killed under load, the first host's place is taken with what was promised`, async (t) => {
      const { name, link, first, second, relay, firstUrl, secondUrl, people } = await story(mode, t)
      const acknowledged = new Map<string, string>()
      const stop = new AbortController()
      t.after(() => stop.abort())
      const writing = people.map((one) => writeOn(name.url, one, acknowledged, stop.signal))
      await eventually('some load', async () => acknowledged.size > 100, 60_000)
      // While it copies, and again right after.
      await second.start()
      for (const ms of [20, 200, 500]) {
        await sleep(ms)
        await second.kill()
        await second.start()
      }
      await follows(secondUrl)
      await sleep(300)
      await second.kill()
      await second.start()
      await follows(secondUrl)
      // A cut, and a change of the directory meanwhile.
      link.lead(undefined)
      await sleep(300)
      const entered = (await call(name.url, 'com.atproto.server.createSession', {
        identifier: people[0]!.handle,
        password: 'password 0',
      })) as unknown as Person
      link.lead(firstUrl)
      await eventually(
        'the standby has everything again',
        async () => {
          const { state, lagEntries } = await status(secondUrl)
          return state === 'following' && lagEntries < 20
        },
        60_000,
      )
      const before = acknowledged.size
      await eventually('more load', async () => acknowledged.size > before + 200, 60_000)
      await first.kill()
      const behind = (await status(secondUrl)).lagEntries
      name.lead(undefined)
      stop.abort()
      await Promise.all(writing)
      const { tookMs, accountsStopped } = await promote(secondUrl, '--first-is-off')
      assert.equal(accountsStopped, 0)
      name.lead(secondUrl)
      const lost = await lostOf(name.url, acknowledged)
      t.diagnostic(
        `${acknowledged.size} writes acknowledged, ${lost.length} lost, taken over in ${tookMs} ms`,
      )
      if (mode === 'sync') assert.deepEqual(lost, [])
      else assert.ok(lost.length <= Math.max(behind, 50), `${lost.length} lost, ${behind} behind`)
      const session = await call(
        name.url,
        'com.atproto.server.refreshSession',
        undefined,
        entered.refreshJwt,
      )
      assert.equal(session.did as unknown, people[0]!.did)
      // What is written now, the relay hears and accepts.
      for (const one of people) {
        const input = { repo: one.did, collection: NOTE, record: { text: 'at the new host' } }
        const { commit } = (await call(
          ...([name.url, 'com.atproto.repo.createRecord', input, one.accessJwt] as const),
        )) as unknown as { commit: { rev: string } }
        await eventually(
          'the relay accepts what the host says',
          async () => {
            const at = `com.atproto.sync.getRepoStatus?did=${one.did}`
            const { rev } = (await call(relay.url, at)) as unknown as { rev?: string }
            return rev !== undefined && rev >= commit.rev
          },
          90_000,
        )
      }
      // It stays the host when it is started again.
      await second.kill()
      await second.start()
      assert.deepEqual(await lostOf(name.url, acknowledged), lost)
    })
  }

  test('a first host that was only paused finds its place taken, and cannot write any more', async (t) => {
    const folder = temporaryFolder()
    const word = 'what-the-witness-and-both-hosts-share'
    const witness = new ServerProcess('witness', '--dev', '--data', folder.path)
    witness.with('--lease-secrets', `localhost=${word}`)
    t.after(async () => {
      await witness.kill()
      folder.remove()
    })
    await witness.start()
    const lease = ['--lease-witness', witness.url, '--lease-secret', word]
    const { name, first, second, firstUrl, secondUrl, people } = await story('sync', t, lease)
    const [one] = people as [Person]
    await second.start()
    await follows(secondUrl)
    const note = (text: string) => ({ repo: one.did, collection: NOTE, record: { text } })
    await call(name.url, 'com.atproto.repo.createRecord', note('before'), one.accessJwt)
    first.freeze()
    const { accountsStopped, tookMs } = await promote(secondUrl)
    t.diagnostic(`taken over from a paused host in ${tookMs} ms`)
    assert.equal(accountsStopped, 0)
    name.lead(secondUrl)
    await call(name.url, 'com.atproto.repo.createRecord', note('after'), one.accessJwt)
    first.thaw()
    const late = call(firstUrl, 'com.atproto.repo.createRecord', note('late'), one.accessJwt)
    await assert.rejects(late, /503/)
    await first.kill()
    // Started anew it does not become ready: it says why, and serves nobody.
    first.start().catch(() => {})
    await eventually(
      'it says that it may not write',
      async () => {
        const { status } = await fetch(`${firstUrl}/xrpc/_health`)
        const answer = await (await fetch(`${firstUrl}/xrpc/_health`)).text()
        return status === 503 && answer.includes('epoch')
      },
      60_000,
    )
    const again = call(firstUrl, 'com.atproto.repo.createRecord', note('again'), one.accessJwt)
    await assert.rejects(again, /503/)
    const texts = [...(await notesOf(name.url, one.did)).values()]
    assert.deepEqual(texts.sort(), ['after', 'before'])
  })
})
