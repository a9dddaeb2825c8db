/**
 * What the network is told of an account's life, in which order, and what it must not be told:
 * https://atproto.com/guides/account-lifecycle
 */
import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { cidText } from '#protocol/data'
import { Kind } from '../journal/index.ts'
import { type Answer, type HostEvent, type Person, TestHost } from '../testing/host.test-support.ts'

let host: TestHost

before(async () => {
  host = await TestHost.open()
})
after(() => host.close())

/** An event in a few words. */
function said({ type, body, commit }: HostEvent): string {
  switch (type) {
    case '#account':
      return `#account ${body.active ? 'active' : body.status}`
    case '#identity':
      return `#identity ${body.handle}`
    case '#commit':
      return `#commit of ${commit!.ops.length}`
    default:
      return type
  }
}

const newest = async (of: TestHost) => (await of.events()).at(-1)?.seq ?? 0

/** Tells, at each call, what the network was told of a person since the last one. */
async function listener(of: TestHost, did: string) {
  let at = await newest(of)
  return async () => {
    const events = await of.events(at)
    at = events.at(-1)?.seq ?? at
    return events.filter((event) => event.did === did)
  }
}

const operator = { authorization: `Basic ${btoa('admin:admin-pass')}` }

/** What people and operators do to an account. */
const acts: Record<string, (person: Person) => Promise<Answer>> = {
  write: (person) => host.write(person, 'words'),
  deactivate: ({ accessJwt }) => host.post('com.atproto.server.deactivateAccount', {}, accessJwt),
  activate: ({ accessJwt }) =>
    host.post('com.atproto.server.activateAccount', undefined, accessJwt),
  'take down': (person) => judge(person, { takedown: { applied: true } }),
  'bring back': (person) => judge(person, { takedown: { applied: false } }),
  'sign in': async (person) => {
    const { handle: identifier, password } = person
    const answer = await host.post('com.atproto.server.createSession', { identifier, password })
    person.accessJwt = answer.body.accessJwt
    return answer
  },
  'come for what is left': async (person) => {
    const { handle: identifier, password } = person
    const input = { identifier, password, allowTakendown: true }
    const answer = await host.post('com.atproto.server.createSession', input)
    person.accessJwt = answer.body.accessJwt
    return answer
  },
  rename: async (person) => {
    const handle = `new-${person.handle}` as Person['handle']
    const nsid = 'com.atproto.identity.updateHandle'
    const answer = await host.post(nsid, { handle }, person.accessJwt)
    person.handle = handle
    return answer
  },
  delete: async (person) => {
    const { did, password, accessJwt } = person
    await host.post('com.atproto.server.requestAccountDelete', undefined, accessJwt)
    const token = await host.mailedCode(person)
    return host.post('com.atproto.server.deleteAccount', { did, password, token })
  },
}

function judge({ did }: Person, judgement: object): Promise<Answer> {
  const subject = { $type: 'com.atproto.admin.defs#repoRef', did }
  return host.call('POST', 'com.atproto.admin.updateSubjectStatus', {
    input: { subject, ...judgement },
    headers: operator,
  })
}

type Step = [act: string, told: string[], refused?: 'refused']

const ALIVE = ['#identity NAME.test', '#account active', '#commit of 0']

const lives: Record<string, Step[]> = {
  'paused and back': [
    ['write', ['#commit of 1']],
    ['deactivate', ['#account deactivated']],
    ['write', [], 'refused'],
    ['deactivate', []],
    ['activate', ALIVE],
    ['activate', []],
    ['write', ['#commit of 1']],
  ],
  'taken down and back': [
    ['take down', ['#account takendown']],
    ['write', [], 'refused'],
    ['activate', [], 'refused'],
    ['take down', []],
    ['bring back', ['#account active', '#commit of 0']],
    ['bring back', []],
    ['sign in', []],
    ['write', ['#commit of 1']],
  ],
  'taken down, and paused meanwhile by its owner': [
    ['take down', ['#account takendown']],
    ['deactivate', [], 'refused'],
    ['come for what is left', []],
    ['deactivate', []],
    ['bring back', ['#account deactivated']],
    ['sign in', []],
    ['write', [], 'refused'],
  ],
  'paused, taken down, and paused again': [
    ['deactivate', ['#account deactivated']],
    ['take down', ['#account takendown']],
    ['bring back', ['#account deactivated']],
    ['sign in', []],
    ['write', [], 'refused'],
    ['activate', ALIVE],
  ],
  renamed: [
    ['rename', ['#identity new-NAME.test']],
    ['write', ['#commit of 1']],
  ],
  'deleted while active': [
    ['write', ['#commit of 1']],
    ['delete', ['#account deleted']],
    ['write', [], 'refused'],
    ['sign in', [], 'refused'],
    ['take down', [], 'refused'],
  ],
  'deleted while paused': [
    ['deactivate', ['#account deactivated']],
    ['delete', ['#account deleted']],
    ['activate', [], 'refused'],
  ],
}

test('each life tells the network its turns, once and in order, and nothing in between', async () => {
  for (const [index, [life, steps]] of Object.entries(lives).entries()) {
    const name = `life${index}`
    const shown = (told: string[]) => told.map((word) => word.replace('NAME', name))
    const cursor = await newest(host)
    const person = await host.signUp(name)
    assert.deepEqual((await host.events(cursor)).map(said), shown(ALIVE), life)
    const news = await listener(host, person.did)
    for (const [act, told, refused] of steps) {
      const { status, body } = await acts[act]!(person)
      const isRefused = status >= 400
      assert.equal(isRefused, refused === 'refused', `${life}: ${act}: ${JSON.stringify(body)}`)
      assert.deepEqual((await news()).map(said), shown(told), `${life}: ${act}`)
    }
    await host.assertChain(person)
  }
})

test('what an account that is taken down wrote is not told again, until it is back', async () => {
  const cursor = await newest(host)
  const person = await host.signUp('hidden')
  const other = await host.signUp('seen')
  for (const one of [person, other]) await host.write(one, 'words')
  const told = async (did: string) => {
    const events = await host.events(cursor)
    return events.filter((event) => event.did === did).map(said)
  }
  const before = await told(person.did)
  assert.deepEqual(before.slice(2), ['#commit of 0', '#commit of 1'])
  await acts['take down']!(person)
  assert.deepEqual(await told(person.did), [...before.slice(0, 2), '#account takendown'])
  assert.equal((await told(other.did)).length, 4)
  await acts['bring back']!(person)
  const away = ['#account takendown', '#account active', '#commit of 0']
  assert.deepEqual(await told(person.did), [...before, ...away])
})

test('a deleted account leaves its end in the stream, and nothing of what it wrote or kept for itself', async () => {
  const person = await host.signUp('leaver')
  await host.write(person, 'not for later')
  const preferences = [{ $type: 'app.bsky.actor.defs#interestsPref', tags: ['xylophones'] }]
  await host.post('app.bsky.actor.putPreferences', { preferences }, person.accessJwt)
  const sealed: Uint8Array[] = []
  for await (const batch of host.stream.tail(0)) {
    for (const { key, kind, payload } of batch) {
      if (key === person.did && kind === Kind.preferences) sealed.push(payload.slice())
    }
  }
  assert.equal(sealed.length, 1)
  const keys = 'SELECT signing_key, data_key FROM accounts WHERE did = ?'
  const before = await host.sql.get<Record<string, Uint8Array>>(keys, [person.did])
  await acts.delete!(person)
  const jobs = host.loop('jobs')
  await host.until(
    async () => !(await host.sql.get(`SELECT 1 FROM jobs WHERE kind = 'erase-account'`)),
  )
  await jobs.stop()
  const left = (await host.events()).filter(({ did }) => did === person.did)
  assert.deepEqual(left.map(said), ['#account deleted'])
  const journal = join(host.folder, 'streams')
  for (const name of readdirSync(journal, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.segment')) continue
    const bytes = readFileSync(join(journal, name))
    assert.ok(!bytes.includes('not for later'), `${name} has it`)
    assert.ok(!bytes.includes(sealed[0]!), `${name} has what was sealed`)
  }
  // Copies of the journal elsewhere: what opens them is nowhere any more.
  const after = await host.sql.get<Record<string, Uint8Array>>(keys, [person.did])
  for (const [name, key] of Object.entries(before!)) {
    assert.ok(key.length > 0)
    assert.equal(after![name]!.length, 0, name)
  }
})

test('killed between the journal and the end of an account, the replay ends it', async () => {
  const own = await TestHost.open()
  const person = await own.signUp('leaver')
  await own.checkpoint()
  const folder = own.copy()
  const { did, password, accessJwt } = person
  await own.post('com.atproto.server.requestAccountDelete', undefined, accessJwt)
  const token = await own.mailedCode(person)
  await own.post('com.atproto.server.deleteAccount', { did, password, token })
  await own.close({ keep: true })
  // The directory is as it was before, the journal as it is now.
  rmSync(join(folder, 'streams'), { recursive: true })
  cpSync(join(own.folder, 'streams'), join(folder, 'streams'), { recursive: true })
  const again = await own.again({ folder })
  assert.equal(again.metrics.value('pds_stopped_accounts'), 0)
  const status = await again.get('com.atproto.sync.getRepoStatus', { did })
  assert.equal(status.body.status, 'deleted')
  await again.close()
  for (const one of [own.folder, folder]) rmSync(one, { recursive: true, force: true })
})

test('a move is told by the new host when it is made: identity, account, and a commit that follows', async () => {
  const [old, next] = await twoHosts()
  const alice = await old.signUp('alice')
  await old.write(alice, 'before the move')
  const [atOld, atNext] = [await listener(old, alice.did), await listener(next, alice.did)]
  const head = (await old.get('com.atproto.sync.getLatestCommit', { did: alice.did })).body
  const newcomer = await moveIn(old, next, alice)
  assert.deepEqual((await atNext()).map(said), [], 'nothing before it is there')
  await pointTo(next, old, alice, newcomer)
  assert.deepEqual((await atNext()).map(said), [], 'nor before it is active')
  const activated = await next.post(
    'com.atproto.server.activateAccount',
    undefined,
    newcomer.accessJwt,
  )
  assert.equal(activated.status, 200, JSON.stringify(activated.body))
  const told = await atNext()
  assert.deepEqual(told.map(said), ['#identity alice.two.test', '#account active', '#commit of 0'])
  const { commit } = told[2]!
  assert.equal(commit!.since, head.rev)
  assert.ok(commit!.rev > head.rev)
  assert.deepEqual((await atOld()).map(said), [], 'the old host says nothing of its own')
  await old.post('com.atproto.server.deactivateAccount', {}, alice.accessJwt)
  assert.deepEqual((await atOld()).map(said), ['#account deactivated'])
  const latest = (await next.get('com.atproto.sync.getLatestCommit', { did: alice.did })).body
  assert.equal(latest.cid, cidText(commit!.commit))
  for (const one of [old, next]) await one.close()
})

async function twoHosts(): Promise<[TestHost, TestHost]> {
  const old = await TestHost.open({ publicUrl: 'https://one.test' })
  const { plc } = old
  const config = { handleDomains: ['.two.test'] }
  return [old, await TestHost.open({ publicUrl: 'https://two.test', plc, config, seed: 2 })]
}

/** An account at the new host, deactivated, with the repository of the old one. */
async function moveIn(old: TestHost, next: TestHost, person: Person): Promise<Person> {
  const lxm = 'com.atproto.server.createAccount'
  const params = { aud: next.service.did, lxm }
  const proof = await old.get('com.atproto.server.getServiceAuth', params, person.accessJwt)
  const handle = 'alice.two.test'
  const { did, email, password } = person
  const made = await next.post(lxm, { did, handle, email, password }, proof.body.token)
  assert.equal(made.status, 200, JSON.stringify(made.body))
  const car = await old.get('com.atproto.sync.getRepo', { did })
  const imported = await next.call('POST', 'com.atproto.repo.importRepo', {
    input: car.bytes,
    token: made.body.accessJwt,
    headers: { 'content-type': 'application/vnd.ipld.car' },
  })
  assert.equal(imported.status, 200, JSON.stringify(imported.body))
  return { ...person, ...made.body }
}

/** The identity says the new host from now on. */
async function pointTo(
  next: TestHost,
  old: TestHost,
  person: Person,
  there: Person,
): Promise<void> {
  const identity = 'com.atproto.identity'
  const wanted = await next.get(`${identity}.getRecommendedDidCredentials`, {}, there.accessJwt)
  await old.post(`${identity}.requestPlcOperationSignature`, undefined, person.accessJwt)
  const input = { token: await old.mailedCode(person), ...wanted.body }
  const signed = await old.post(`${identity}.signPlcOperation`, input, person.accessJwt)
  assert.equal(signed.status, 200, JSON.stringify(signed.body))
  const sent = await next.post(`${identity}.submitPlcOperation`, signed.body, there.accessJwt)
  assert.equal(sent.status, 200, JSON.stringify(sent.body))
}
