/**
 * Real processes: a host stands still under load (SIGSTOP), another takes its place, and it goes on
 * (SIGCONT). And a witness that is killed while leases are renewed.
 */
import assert from 'node:assert/strict'
import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { networkSubscribe } from '#platform/runtime'
import { eventually, runFalaj, ServerProcess, temporaryFolder } from '../rig.ts'

const NOTE = 'com.example.note'
const SECRET = 'a secret of two hosts and a witness'
/** Times that the first host stands still, each at another instant of its work. */
const ROUNDS = Number(process.env.FALAJ_LEASE_ROUNDS ?? 3)

const folder = temporaryFolder()
const place = (name: string) => join(folder.path, name)
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
let plc: ServerProcess
let witness: ServerProcess | undefined

before(async () => {
  plc = await new ServerProcess('plc', '--dev', '--data', place('plc')).start()
})
after(async () => {
  for (const one of [plc, witness]) await one?.kill()
  folder.remove()
})

/** One for each test: they share a hostname. */
async function startWitness(name: string): Promise<void> {
  await witness?.kill()
  witness = await new ServerProcess(
    ...['witness', '--dev', '--data', place(name)],
    ...['--lease-secrets', `localhost=${SECRET}`, '--lease-term-ms', '3000'],
  ).start()
}

const hostOn = (data: string) =>
  new ServerProcess(
    ...['pds', '--dev', '--data', place(data), '--plc', plc.url],
    ...['--lease-witness', witness!.url, '--lease-secret', SECRET],
  )

interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  body: any
}

async function call(url: string, nsid: string, input?: object, token?: string): Promise<Answer> {
  const response = await fetch(`${url}/xrpc/${nsid}`, {
    method: input ? 'POST' : 'GET',
    headers: {
      'content-type': 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    ...(input && { body: JSON.stringify(input) }),
    signal: AbortSignal.timeout(30_000),
  })
  return { status: response.status, body: await response.json().catch(() => ({})) }
}

interface Person {
  did: string
  accessJwt: string
}

async function signUp(url: string, name: string): Promise<Person> {
  const { body, status } = await call(url, 'com.atproto.server.createAccount', {
    ...{ handle: `${name}.test`, email: `${name}@mail.example`, password: 'a long password' },
  })
  assert.equal(status, 200, JSON.stringify(body))
  return body
}

const write = (url: string, { did, accessJwt }: Person, rkey: string) =>
  call(
    url,
    'com.atproto.repo.createRecord',
    { repo: did, collection: NOTE, rkey, record: { text: rkey } },
    accessJwt,
  )

/** People who write without pause, and somebody who listens; each note has its time. */
class Load {
  readonly acknowledged: { rkey: string; person: Person; atMs: number }[] = []
  readonly refused: Answer[] = []
  readonly eventsAtMs: number[] = []
  readonly #stop = new AbortController()
  readonly #work: Promise<void>[]

  constructor(url: string, people: readonly Person[], round: number) {
    const writers = people.flatMap((person, p) =>
      [0, 1, 2].map((w) => this.#write(url, person, `${round}-${p}-${w}`)),
    )
    this.#work = [...writers, this.#listen(url)]
  }

  async #write(url: string, person: Person, name: string): Promise<void> {
    for (let i = 0; !this.#stop.signal.aborted; i++) {
      const rkey = `${name}-${i}`
      const answer = await write(url, person, rkey).catch(() => undefined)
      if (answer?.status === 200) {
        this.acknowledged.push({ rkey, person, atMs: performance.now() })
      } else if (answer) {
        this.refused.push(answer)
        await sleep(20)
      }
    }
  }

  async #listen(url: string): Promise<void> {
    const subscribe = networkSubscribe({ allowPrivate: true })
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        const address = `${url}/xrpc/com.atproto.sync.subscribeRepos`
        for await (const frames of subscribe(address, { signal })) {
          for (const _ of frames) this.eventsAtMs.push(performance.now())
        }
      } catch {
        await sleep(50)
      }
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#work)
  }
}

for (let round = 0; round < ROUNDS; round++) {
  test(`a host that stood still while another took its place acknowledges and tells nothing (${round + 1})`, async () => {
    await startWitness(`witness-${round}`)
    const [old, fresh] = [`old-${round}`, `new-${round}`]
    const first = await hostOn(old).start()
    const second = hostOn(fresh)
    let load: Load | undefined
    try {
      const people = [
        await signUp(first.url, `alice${round}`),
        await signUp(first.url, `basma${round}`),
      ]
      load = new Load(first.url, people, round)
      const { acknowledged } = load
      await eventually('people are at work', async () => acknowledged.length > 30, 60_000)
      await sleep(Math.random() * 50)
      first.freeze()
      // What a synchronous standby would have: everything that is durable.
      const isData = (from: string) => !/lock\.sqlite/.test(from)
      cpSync(place(old), place(fresh), { recursive: true, filter: isData })
      await second.start()
      const other = await write(second.url, people[0]!, `of-the-other-${round}`)
      assert.equal(other.status, 200, 'the other host writes')
      const thawedMs = performance.now()
      first.thaw()
      await sleep(3_000)
      await load.stop()
      const late = load.acknowledged.filter(({ atMs }) => atMs > thawedMs)
      assert.deepEqual(late, [], 'acknowledged by a host whose place is taken')
      const told = load.eventsAtMs.filter((atMs) => atMs > thawedMs)
      assert.deepEqual(told, [], 'told by a host whose place is taken')
      assert.ok(load.refused.length > 0)
      assert.ok(
        load.refused.every(({ status, body }) => status === 503 && body.error === 'HostFenced'),
      )
      const health = await call(first.url, '_health')
      assert.equal(health.status, 503)
      assert.equal(health.body.lease.end, 'superseded')
      for (const { person, rkey } of load.acknowledged) {
        const nsid = `com.atproto.repo.getRecord?repo=${person.did}&collection=${NOTE}&rkey=${rkey}`
        assert.equal((await call(second.url, nsid)).status, 200, `${rkey} was acknowledged`)
      }
      await first.stop()
      await neverBegins(first)
    } finally {
      await first.kill()
      await load?.stop()
      await second.stop()
    }
  })
}

/** Started again on its data, the old host says what happened, and opens nothing. */
async function neverBegins(host: ServerProcess): Promise<void> {
  const { url } = host
  const starting = host.start().catch((error: Error) => error)
  await eventually('it says why it does not begin', async () => {
    const { status, body } = await call(url, '_health').catch(() => ({ status: 0, body: {} }))
    return status === 503 && /another host has written/.test(body.lease?.reason ?? '')
  })
  const described = await call(url, 'com.atproto.server.describeServer')
  assert.deepEqual([described.status, described.body.error], [503, 'HostFenced'])
  assert.equal(await host.stop(), 0, 'it ends politely')
  assert.match(String(await starting), /did not become ready/)
}

test('a witness that is killed while leases are renewed stops writing for a while, and loses nothing', async () => {
  await startWitness('killed')
  const host = await hostOn('lonely').start()
  try {
    const person = await signUp(host.url, 'carol')
    for (let i = 0; i < 2; i++) {
      await witness!.kill()
      await witness!.start()
      await eventually('it is held or held again', async () => {
        return (await write(host.url, person, `short-${i}-${performance.now()}`)).status === 200
      })
    }
    await witness!.kill()
    let status = 200
    await eventually('writing ends with the term', async () => {
      status = (await write(host.url, person, `w-${performance.now()}`)).status
      return status === 503
    })
    const nsid = `com.atproto.repo.listRecords?repo=${person.did}&collection=${NOTE}`
    assert.equal((await call(host.url, nsid)).status, 200, 'reads go on')
    await witness!.start()
    await eventually('it writes again', async () => {
      status = (await write(host.url, person, 'again')).status
      return status === 200
    })
    const { body } = await call(host.url, '_health')
    assert.equal(body.lease.held, true)
    // The command line sees the same, and can end it.
    const lease = (...args: string[]) =>
      runFalaj(['pds', 'lease', ...args, '--witness', witness!.url, '--hostname', 'localhost'], {
        FALAJ_PDS_LEASE_SECRET: SECRET,
      })
    const looked = await lease('look', '--json')
    assert.equal(JSON.parse(looked.out).epoch, body.lease.epoch)
    const ended = await lease('release', '--epoch', String(body.lease.epoch), '--yes')
    assert.match(ended.out, /ended by an operator/)
    await eventually('the host stops', async () => (await call(host.url, '_health')).status === 503)
    assert.ok(existsSync(join(place('lonely'), 'pds', 'lease.json')))
  } finally {
    await host.kill()
  }
})
