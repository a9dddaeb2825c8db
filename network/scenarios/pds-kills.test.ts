/**
 * A host is killed at random instants while people write, also while it starts. Afterwards every
 * acknowledged write is there, each commit was announced once and in order, and every repository
 * verifies from its signed root. FALAJ_KILLS sets how often (20), FALAJ_SEED which instants.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parseDidKey } from '#protocol/crypto'
import { cidText } from '#protocol/data'
import { identityOf, parseDidDocument } from '#protocol/identity'
import { parseCommitEvent, type RepoHead, verifyCommitEvent, verifyRepoCar } from '#protocol/repo'
import type { Did } from '#protocol/syntax'
import { decodeFrame, formatParams } from '#protocol/xrpc'
import { eventually, ServerProcess, temporaryFolder } from '../rig.ts'

const KILLS = Number(process.env.FALAJ_KILLS ?? 20)
const SEED = Number(process.env.FALAJ_SEED ?? 1)
const ACCOUNTS = 5
const WRITERS_EACH = 3
const NOTE = 'com.example.note'

/** The same seed, the same choices. */
function chances(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
const chance = chances(SEED)
const upTo = (count: number) => Math.floor(chance() * count)
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

interface Account {
  did: Did
  handle: string
  token: string
}

/** The outcome is unknown: the connection broke, or the host said so. */
class Unknown extends Error {}

type Values = ReadonlyMap<string, string | null>

const folder = temporaryFolder()
let plc: ServerProcess
let pds: ServerProcess

async function call(
  verb: 'GET' | 'POST',
  nsid: string,
  { params = {}, input, token }: { params?: object; input?: unknown; token?: string },
): Promise<Response> {
  const query = formatParams(params as Record<string, unknown>)
  try {
    const response = await fetch(`${pds.url}/xrpc/${nsid}${query && `?${query}`}`, {
      method: verb,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(input !== undefined && { 'content-type': 'application/json' }),
      },
      ...(input !== undefined && { body: JSON.stringify(input) }),
      signal: AbortSignal.timeout(20_000),
    })
    if (response.status >= 500) throw new Unknown(await response.text())
    return response
  } catch (error) {
    throw error instanceof Unknown ? error : new Unknown(String(error))
  }
}

async function json(response: Promise<Response>) {
  const answer = await response
  const text = await answer.text().catch((error) => {
    throw new Unknown(String(error))
  })
  assert.equal(answer.status, 200, text)
  return JSON.parse(text)
}

/** Commits that were acknowledged: `did rev`. */
const acknowledged = new Set<string>()

/** One of several who write into an account, with keys of its own. */
class Writer {
  readonly account: Account
  readonly #prefix: string
  /** What is known to be there. */
  readonly known = new Map<string, string | null>()
  /** Whether what this would change happened is not known. */
  #open: Map<string, string | null> | undefined
  #count = 0

  constructor(account: Account, name: string) {
    this.account = account
    this.#prefix = name
  }

  /** Writes until the host is gone. */
  async run(): Promise<void> {
    while (pds.pid !== undefined) {
      const changes = this.#choose()
      this.#open = changes
      try {
        const { commit } = await this.#send(changes)
        if (commit) acknowledged.add(`${this.account.did} ${commit.rev}`)
      } catch (error) {
        if (error instanceof Unknown) return
        throw error
      }
      for (const [rkey, value] of changes) this.known.set(rkey, value)
      this.#open = undefined
    }
  }

  #choose(): Map<string, string | null> {
    const changes = new Map<string, string | null>()
    const present = [...this.known].filter(([, value]) => value !== null)
    const size = chance() < 0.3 ? 1 + upTo(8) : 1
    for (let i = 0; i < size; i++) {
      const old = present[upTo(present.length + 8)]?.[0]
      const rkey = old ?? `${this.#prefix}-${this.#count++}`
      changes.set(rkey, old && chance() < 0.4 ? null : `value ${this.#count++}`)
    }
    return changes
  }

  #send(changes: Values): Promise<{ commit?: { rev: string; cid: string } }> {
    const { did: repo, token } = this.account
    const [[rkey, text] = ['', null]] = changes
    const isThere = typeof this.known.get(rkey) === 'string'
    const post = (method: string, input: object) =>
      json(
        call('POST', `com.atproto.repo.${method}`, {
          input: { repo, collection: NOTE, rkey, ...input },
          token,
        }),
      )
    if (changes.size > 1) return post('applyWrites', { writes: this.#writes(changes) })
    if (text === null) return post('deleteRecord', {})
    return post(isThere || chance() < 0.5 ? 'putRecord' : 'createRecord', { record: { text } })
  }

  #writes(changes: Values) {
    return Array.from(changes, ([rkey, text]) => {
      const isThere = typeof this.known.get(rkey) === 'string'
      const kind = text === null ? 'delete' : isThere ? 'update' : 'create'
      const $type = `com.atproto.repo.applyWrites#${kind}`
      return { $type, collection: NOTE, rkey, ...(text !== null && { value: { text } }) }
    })
  }

  /** What is there must be what was acknowledged, and of what is open all or nothing. */
  settle(there: Values): void {
    const mine = [...there].filter(([rkey]) => rkey.startsWith(`${this.#prefix}-`))
    const found = new Map(mine)
    const opened = this.#open ?? new Map()
    const happened = [...opened].map(([rkey, value]) => (found.get(rkey) ?? null) === value)
    const unchanged = [...opened].map(
      ([rkey]) => (found.get(rkey) ?? null) === (this.known.get(rkey) ?? null),
    )
    assert.ok(
      happened.every(Boolean) || unchanged.every(Boolean),
      `half of a write of ${this.#prefix} is there`,
    )
    if (happened.every(Boolean)) for (const [rkey, value] of opened) this.known.set(rkey, value)
    this.#open = undefined
    const expected = new Map([...this.known].filter(([, value]) => value !== null))
    assert.deepEqual(
      Object.fromEntries([...found].sort()),
      Object.fromEntries([...expected].sort()),
      `what ${this.#prefix} wrote`,
    )
  }
}

async function recordsOf({ did }: Account): Promise<Values> {
  const found = new Map<string, string | null>()
  let cursor: string | undefined
  do {
    const params = { repo: did, collection: NOTE, limit: 100, cursor }
    const page = await json(call('GET', 'com.atproto.repo.listRecords', { params }))
    for (const { uri, value } of page.records) found.set(uri.split('/').at(-1), value.text)
    cursor = page.records.length === 100 ? page.cursor : undefined
  } while (cursor)
  return found
}

describe(`a host that is killed ${KILLS} times`, () => {
  const accounts: Account[] = []
  const writers: Writer[] = []

  before(async () => {
    plc = await new ServerProcess('plc', '--dev', '--data', `${folder.path}/plc`).start()
    const flags = ['--dev', '--plc', plc.url, '--data', `${folder.path}/pds`]
    pds = await new ServerProcess('pds', ...flags).start()
    for (let i = 0; i < ACCOUNTS; i++) {
      const handle = `writer${i}.test`
      const input = { handle, password: 'password', email: `w${i}@mail.example` }
      const made = await json(call('POST', 'com.atproto.server.createAccount', { input }))
      const account = { did: made.did, handle, token: made.accessJwt }
      accounts.push(account)
      for (let w = 0; w < WRITERS_EACH; w++) writers.push(new Writer(account, `w${w}`))
    }
  })
  after(async () => {
    await pds?.kill()
    await plc?.kill()
    folder.remove()
  })

  const settleAll = async () => {
    for (const account of accounts) {
      const there = await recordsOf(account)
      for (const writer of writers) if (writer.account === account) writer.settle(there)
    }
  }

  test('loses nothing acknowledged, and never half of a write', async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      const writing = Promise.all(writers.map((writer) => writer.run()))
      await sleep(50 + upTo(400))
      // Now and then it ends in good order, which moves the replay point.
      if (chance() < 0.15) await pds.stop()
      else await pds.kill()
      await writing
      // One kill in four falls into the start after another.
      while (chance() < 0.25) {
        const starting = pds.start().catch(() => {})
        await sleep(100 + upTo(500))
        await pds.kill()
        await starting
      }
      await pds.start()
      await settleAll()
    }
    assert.ok(acknowledged.size > KILLS * 10, `${acknowledged.size} writes were acknowledged`)
  })

  test('announced each commit once, in order, each on the one before', async () => {
    const last = await json(
      call('POST', 'com.atproto.repo.createRecord', {
        input: { repo: accounts[0]!.did, collection: NOTE, record: { text: 'the end' } },
        token: accounts[0]!.token,
      }),
    )
    const heads = new Map<Did, RepoHead>()
    const keys = new Map(await Promise.all(accounts.map(keyOf)))
    const announced = new Set<string>()
    let lastSeq = 0
    const fail = (frame: Uint8Array) => {
      const decoded = decodeFrame(frame)
      assert.ok('type' in decoded, 'no error frame')
      const body = decoded.body as { seq: number; did?: Did }
      if (decoded.type === '#info') return
      assert.ok(body.seq > lastSeq, 'seqs rise')
      lastSeq = body.seq
      if (decoded.type !== '#commit') return
      const parsed = parseCommitEvent(decoded.body)
      assert.ok(parsed.ok)
      const { event } = parsed
      const previous = heads.get(event.repo)
      const verdict = verifyCommitEvent(event, {
        key: keys.get(event.repo)!,
        nowMs: Date.now(),
        ...(previous && { previous }),
      })
      assert.ok(verdict.ok, `a commit of ${event.repo}: ${!verdict.ok && verdict.reason}`)
      heads.set(event.repo, verdict.head)
      const name = `${event.repo} ${event.rev}`
      assert.ok(!announced.has(name), 'announced twice')
      announced.add(name)
    }
    await follow(fail, () => announced.has(`${accounts[0]!.did} ${last.commit.rev}`))
    for (const name of acknowledged) assert.ok(announced.has(name), `never announced: ${name}`)
    for (const { did } of accounts) {
      const params = { did }
      const latest = await json(call('GET', 'com.atproto.sync.getLatestCommit', { params }))
      assert.equal(cidText(heads.get(did)!.commit), latest.cid)
      const response = await call('GET', 'com.atproto.sync.getRepo', { params })
      const car = new Uint8Array(await response.arrayBuffer())
      const repo = verifyRepoCar(car, { did, keys: [keys.get(did)!] })
      assert.equal(cidText(repo.head.commit), latest.cid)
    }
  })
})

async function keyOf({ did }: Account) {
  const document = parseDidDocument(await (await fetch(`${plc.url}/${did}`)).json())
  return [did, parseDidKey(identityOf(document).signingKey!)] as const
}

/** Hands over the frames of the firehose from the beginning until the end is seen. */
async function follow(take: (frame: Uint8Array) => void, isOver: () => boolean): Promise<void> {
  const url = `${pds.url.replace('http', 'ws')}/xrpc/com.atproto.sync.subscribeRepos?cursor=0`
  const socket = new WebSocket(url)
  socket.binaryType = 'arraybuffer'
  let failure: unknown
  socket.addEventListener('message', ({ data }) => {
    try {
      take(new Uint8Array(data as ArrayBuffer))
    } catch (error) {
      failure ??= error
    }
  })
  try {
    await eventually(
      'the end of the firehose',
      async () => failure !== undefined || isOver(),
      60_000,
    )
  } finally {
    socket.close()
  }
  if (failure !== undefined) throw failure
}
