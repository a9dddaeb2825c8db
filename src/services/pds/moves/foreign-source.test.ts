/** Accounts that come from a host which knows nothing of `app.falaj.*`: what it is told, and what is brought late. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { type Fetch, testOutside } from '#platform/runtime'
import {
  bringLateWrites,
  type MoveReceipt,
  move,
  planMove,
  preflight,
  signIn,
} from '#protocol/account'
import { plcClient } from '#protocol/identity'
import { FakePlc, plcOrigin } from '../testing/fake-plc.test-support.ts'
import { type Person, TestHost } from '../testing/host.test-support.ts'
import { fetchAmong } from '../testing/hosts.test-support.ts'

const plc = new FakePlc()
/** One clock: it is the same time at both hosts. */
const outside = testOutside({ seed: 11 })
const hosts = new Map<string, TestHost>()
/** What happens before a call is answered, by method: it waits for that. Each happens once. */
const happenings = new Map<string, () => unknown>()
/** Whether the source answers at all. */
let isSourceThere = true
/** What the relay shows of anybody, and who asked it to look here. */
let relayShows: () => object = () => ({ error: 'RepoNotFound' })
const crawled: string[] = []
const among = fetchAmong(hosts)
const network: Fetch = async (target, init) => {
  const { origin, pathname } = new URL(String(target))
  const nsid = pathname.slice('/xrpc/'.length)
  const happening = happenings.get(nsid)
  happenings.delete(nsid)
  await happening?.()
  if (origin === 'https://relay.test') {
    if (nsid === 'com.atproto.sync.requestCrawl') {
      crawled.push(JSON.parse(init!.body as string).hostname)
      return new Response(null, { status: 200 })
    }
    const shown = relayShows()
    return Response.json(shown, { status: 'error' in shown ? 400 : 200 })
  }
  if (origin === source.url) {
    if (!isSourceThere) throw new Error('nobody is there')
    if (nsid.startsWith('app.falaj.')) {
      return Response.json({ error: 'MethodNotImplemented' }, { status: 501 })
    }
  }
  return among(target, init)
}

let source: TestHost
let destination: TestHost
before(async () => {
  const open = async (publicUrl: string, domain: string) => {
    const crawlers = publicUrl === 'https://new.test' ? ['https://relay.test'] : []
    const config = {
      crawlers,
      handleDomains: [domain],
      pdsHosts: ['https://old.test', 'https://new.test'],
    }
    const host = await TestHost.open({ plc, publicUrl, outside, fetch: network, config })
    hosts.set(publicUrl, host)
    return host
  }
  source = await open('https://old.test', '.test')
  destination = await open('https://new.test', '.two.test')
})
after(async () => {
  for (const host of hosts.values()) await host.close()
})
beforeEach(() => {
  happenings.clear()
  isSourceThere = true
  // Newer than whatever is written here.
  relayShows = () => ({
    did: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa',
    active: true,
    rev: '3zzzzzzzzzzzz',
  })
})

const NOTE = 'com.example.note'
const at = (host: TestHost, { did, accessJwt }: Pick<Person, 'did' | 'accessJwt'>) => {
  const call = async (method: string, input: object) => {
    const answer = await host.post(method, { repo: did, collection: NOTE, ...input }, accessJwt)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
  }
  return {
    put: (rkey: string, text: string, more = {}) =>
      call('com.atproto.repo.putRecord', { rkey, record: { text, ...more } }),
    delete: (rkey: string) => call('com.atproto.repo.deleteRecord', { rkey }),
    picture: async (rkey: string, text: string) => {
      const blob = await host.upload({ accessJwt } as Person, text)
      await call('com.atproto.repo.putRecord', {
        rkey,
        record: { text, picture: { $type: 'blob', ...blob } },
      })
      return blob.ref.$link
    },
  }
}

const notes = async (host: TestHost, { did }: Pick<Person, 'did'>) => {
  const { body } = await host.get('com.atproto.repo.listRecords', {
    repo: did,
    collection: NOTE,
    limit: 100,
  })
  const all = body.records as { uri: string; value: { text: string } }[]
  return Object.fromEntries(all.map(({ uri, value }) => [uri.split('/').at(-1), value.text]))
}

async function person(name: string): Promise<Person> {
  const alice = await source.signUp(name)
  const there = at(source, alice)
  for (let i = 0; i < 30; i++) await there.put(`k${i}`, `${i}`)
  return alice
}

async function start(alice: Person): Promise<Person> {
  const purpose = { password: alice.password, purpose: 'plc-operation' }
  const given = await source.post('app.falaj.account.confirmPassword', purpose, alice.accessJwt)
  const signedIn = await source.post('com.atproto.server.createSession', {
    identifier: alice.did,
    password: alice.password,
  })
  const { accessJwt, refreshJwt } = signedIn.body
  const answer = await destination.post('app.falaj.move.start', {
    source: source.url,
    session: { accessJwt, refreshJwt },
    password: alice.password,
    code: given.body.code,
  })
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return { ...alice, ...answer.body }
}

async function arrive({ did, password }: Person, everyMs = 20): Promise<MoveReceipt> {
  const jobs = destination.loop('moves')
  const signIn = async () => {
    const input = { identifier: did, password }
    return (await destination.post('com.atproto.server.createSession', input)).body.accessJwt
  }
  let token = await signIn()
  let move: { state: string; receipt: MoveReceipt } | undefined
  await destination.until(async () => {
    await outside.advance(everyMs)
    const { status, body } = await destination.get('app.falaj.move.get', {}, token)
    // Time may have gone on by hours.
    if (status !== 200) token = await signIn()
    else move = body.move
    assert.notEqual(move?.state, 'failed', JSON.stringify(move))
    return move?.state === 'done'
  })
  await jobs.stop()
  return move!.receipt
}

/** The account is in use at its new host. */
async function atHome({ did, password }: Person): Promise<void> {
  const input = { identifier: did, password }
  const { body } = await destination.post('com.atproto.server.createSession', input)
  assert.equal((await destination.write({ ...body, did }, 'at home')).status, 200)
}

test('who moves from outside, as the command line does, brings what was written late as well', async () => {
  const alice = await person('outside')
  const there = at(source, alice)
  happenings.set('com.atproto.server.deactivateAccount', async () => {
    await there.put('new', 'new')
    await there.put('k1', 'changed')
    await there.delete('k2')
    await there.picture('seen', 'the last picture')
  })
  const fetch = (url: string, init?: RequestInit) =>
    new URL(url).origin === plcOrigin ? plc.fetch(new URL(url), init) : network(url, init)
  const directory = plcClient({ plcUrl: plcOrigin, fetch })
  const session = await signIn({ service: source.url, fetch }, alice.did, alice.password)
  const asked = { source: session, destination: destination.url, plc: directory, fetch }
  const state = planMove(session, await preflight(asked), outside.now())
  const steps = move(state, {
    ...{ fetch, plc: directory, now: outside.now, save: () => {}, password: alice.password },
    ...{ email: 'outside@mail.example', askCode: () => source.mailedCode(alice) },
    ...{ sweep: bringLateWrites, streamUploads: true },
  })
  let next = await steps.next()
  while (!next.done) next = await steps.next()
  const receipt = next.value
  assert.deepEqual([receipt.late?.records, receipt.late?.conflictCount], [4, 0])
  assert.deepEqual([receipt.missingBlobs, receipt.sameBlobs, receipt.warnings], [[], true, []])
  const { k2, ...rest } = await notes(destination, alice)
  assert.equal(k2, undefined)
  assert.deepEqual([rest.new, rest.k1, rest.k0], ['new', 'changed', '0'])
  await atHome(alice)
  await destination.assertChain(alice)
})

test('what is written at the old host after the identity changed comes along, pictures and all', async () => {
  const alice = await person('late')
  const there = at(source, alice)
  let picture = ''
  // The identity names the new host, and the old one does not know it.
  happenings.set('com.atproto.server.activateAccount', async () => {
    await there.put('new', 'new')
    await there.put('k1', 'changed')
    await there.delete('k2')
    picture = await there.picture('seen', 'a late picture')
  })
  const here = await start(alice)
  const receipt = await arrive(here)
  assert.deepEqual(
    [receipt.sameRoot, receipt.late?.records, receipt.late?.conflicts],
    [true, 4, []],
  )
  assert.deepEqual([receipt.missingBlobs, receipt.sameBlobs, receipt.warnings], [[], true, []])
  const { k2, ...rest } = await notes(destination, alice)
  assert.equal(k2, undefined)
  assert.deepEqual([rest.new, rest.k1, rest.k0], ['new', 'changed', '0'])
  const blob = await destination.get('com.atproto.sync.getBlob', { did: alice.did, cid: picture })
  assert.equal(blob.status, 200)
  await destination.assertChain(alice)
})

test('a record that changed at both hosts stays as it is at the new one, and the receipt has both', async () => {
  const alice = await person('torn')
  const there = at(source, alice)
  const here = await start(alice)
  happenings.set('com.atproto.server.deactivateAccount', async () => {
    const mine = at(destination, here)
    await mine.put('k5', 'here')
    await mine.put('k7', 'only here')
    await mine.put('z', 'made here')
    await there.put('k5', 'there')
    await there.put('k9', 'only there')
  })
  const receipt = await arrive(here)
  assert.equal(receipt.late?.conflictCount, 1)
  const [conflict] = receipt.late!.conflicts
  assert.equal(conflict!.path, `${NOTE}/k5`)
  assert.ok(conflict!.here && conflict!.there && conflict!.here !== conflict!.there)
  const now = await notes(destination, alice)
  assert.deepEqual(
    [now.k5, now.k7, now.k9, now.z, now.k0],
    ['here', 'only here', 'only there', 'made here', '0'],
  )
  await destination.assertChain(alice)
})

test('preferences that change during the move come along, in whatever moment', async () => {
  const alice = await person('choosy')
  const choose = (enabled: boolean) => () =>
    source.post(
      'app.bsky.actor.putPreferences',
      { preferences: [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled }] },
      alice.accessJwt,
    )
  await choose(false)()
  happenings.set('com.atproto.identity.signPlcOperation', choose(true))
  happenings.set('com.atproto.server.deactivateAccount', choose(false))
  const here = await start(alice)
  const receipt = await arrive(here)
  const [preferences, appPasswords] = receipt.privateParts
  assert.deepEqual([preferences!.outcome, preferences!.same], ['carried', true])
  assert.deepEqual([appPasswords!.part, appPasswords!.outcome], ['app-passwords', 'named'])
  const { body } = await destination.get('app.bsky.actor.getPreferences', {}, here.accessJwt)
  assert.equal(body.preferences[0].enabled, false)
})

test('an old host that is gone after the switch keeps nobody from arriving, and the receipt says so', async () => {
  const alice = await person('orphan')
  const here = await start(alice)
  happenings.set('com.atproto.server.deactivateAccount', () => {
    isSourceThere = false
    return outside.advance(61 * 60_000)
  })
  const receipt = await arrive(here)
  assert.deepEqual(receipt.warnings, ['source-silent'])
  assert.deepEqual([receipt.sameRoot, receipt.missingBlobs], [true, []])
  await atHome(here)
})

test('success is claimed when the relays have seen the account at its new host', async () => {
  const alice = await person('visible')
  const here = await start(alice)
  crawled.length = 0
  let asked = 0
  relayShows = () => {
    asked++
    if (asked === 1) return { error: 'RepoNotFound' }
    // First it has what the old host said.
    const rev = asked === 2 ? '2222222222222' : '3zzzzzzzzzzzz'
    return { did: alice.did, active: true, rev }
  }
  const receipt = await arrive(here, 200)
  assert.equal(asked, 3)
  assert.deepEqual([...new Set(crawled)], ['new.test'])
  const [relay] = receipt.sightings
  assert.deepEqual([relay!.at, relay!.url, relay!.seen], ['relay', 'https://relay.test', true])
  assert.deepEqual(receipt.warnings, [])
})

test('a relay that never sees it is named in the receipt, and nobody waits for it any longer', async () => {
  const alice = await person('overlooked')
  const here = await start(alice)
  relayShows = () => ({ did: alice.did, active: false, status: 'deactivated' })
  const receipt = await arrive(here, 1_000)
  assert.deepEqual(receipt.warnings, ['not-seen-yet'])
  assert.match(receipt.sightings[0]!.problem!, /active/)
  assert.ok(receipt.sightings[0]!.ms <= 30_000)
})

test('a session that ended at the old host after the switch does neither', async () => {
  const alice = await person('expired')
  const here = await start(alice)
  happenings.set('com.atproto.server.activateAccount', async () => {
    await source.sql.run('DELETE FROM refresh_tokens WHERE did = ?', [alice.did])
    await outside.advance(3 * 3_600_000)
  })
  const receipt = await arrive(here)
  assert.deepEqual(receipt.warnings, ['source-refused'])
  await atHome(here)
})

test('the plan warns of what may go wrong, and names what the account runs', async () => {
  const alice = await person('publisher')
  const there = at(source, alice)
  await there.picture('p', 'a picture that will not come')
  const record = {
    did: 'did:web:feeds.test',
    displayName: 'News of the falaj',
    createdAt: '2026-01-01T00:00:00.000Z',
  }
  const collection = 'app.bsky.feed.generator'
  const input = { repo: alice.did, collection, rkey: 'news', record }
  const { status } = await source.post('com.atproto.repo.putRecord', input, alice.accessJwt)
  assert.equal(status, 200)
  happenings.set('com.atproto.sync.getBlob', () => {
    throw new TypeError('the connection broke')
  })
  const { accessJwt, refreshJwt } = alice
  const { body } = await destination.post('app.falaj.move.plan', {
    source: source.url,
    session: { accessJwt, refreshJwt },
  })
  assert.deepEqual(body.blobSample, { asked: 1, reached: 0 })
  assert.deepEqual([body.cautions, body.feeds], [['blobs-unreachable'], ['News of the falaj']])
  assert.equal(body.isLabeler, false)
  assert.ok(body.quota.blobBytes > 0)
})
