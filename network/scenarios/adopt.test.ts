/** A host of ours takes the place of a reference PDS: what the real one left on the disk is what it begins with. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { plan, type Running, serve } from '#apps/server'
import { signSession } from '#protocol/auth'
import { importKey, parseDidKey } from '#protocol/crypto'
import { cidText } from '#protocol/data'
import { parseCommitEvent, verifyCommitEvent, verifyRepoCar } from '#protocol/repo'
import type { Did } from '#protocol/syntax'
import { decodeFrame } from '#protocol/xrpc'
import { unpackFolder } from '../reference/packed-folder.ts'
import { freePort } from '../reference/reference-pds.test-support.ts'
import { PREFERENCES } from '../reference/reference-people.test-support.ts'
import { temporaryFolder } from '../rig.ts'

const root = resolve(import.meta.dirname, '../..')
const fixture = join(root, 'src/services/pds/adopt/testing')
const about = JSON.parse(readFileSync(join(fixture, 'reference-people.json'), 'utf8'))
const { alice, bob, carol, dave, erin, frank } = about.people
const folder = temporaryFolder()
const source = join(folder.path, 'source')
const data = join(folder.path, 'data')
const DAY_S = 86_400
const own = ['--data', data, '--blobs-folder', join(folder.path, 'blobs')]
const KEPT = ['--retention-hours', '1000000']
let host: Running
let url: string

/** The directory as the reference left it; its sessions are good for long. */
function lay(at: string): void {
  unpackFolder(readFileSync(join(fixture, 'reference-directory.json.br')), at)
  const settings = readFileSync(join(at, 'pds.env'), 'utf8')
  writeFileSync(join(at, 'pds.env'), settings.replace(/^PDS_DEV_MODE.*$/m, ''))
  inDatabase(join(at, 'account.sqlite'), (db) =>
    db.exec(`UPDATE refresh_token SET expiresAt = '2099-01-01T00:00:00.000Z'`),
  )
}

function inDatabase<T>(path: string, work: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path)
  try {
    return work(db)
  } finally {
    db.close()
  }
}

const digest = (at: string) =>
  readdirSync(at, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => `${path} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`)

const run = (...args: string[]) => spawn(join(root, 'bin/falaj'), ['pds', ...args])

async function adopt(...args: string[]) {
  const child = run('adopt', ...args)
  const [out, errors, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((done) => child.on('exit', done)),
  ])
  return { out, errors, code }
}

const lines = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

async function call(nsid: string, init: RequestInit & { params?: Record<string, string> } = {}) {
  const answer = await fetch(`${url}/xrpc/${nsid}?${new URLSearchParams(init.params)}`, init)
  const bytes = new Uint8Array(await answer.arrayBuffer())
  const isJson = answer.headers.get('content-type')?.includes('json')
  return {
    status: answer.status,
    bytes,
    body: isJson ? JSON.parse(new TextDecoder().decode(bytes)) : undefined,
  }
}

const get = (nsid: string, params: Record<string, string> = {}, token?: string) =>
  call(nsid, { params, headers: token ? { authorization: `Bearer ${token}` } : {} })

const post = (nsid: string, input: unknown, token?: string) =>
  call(nsid, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(input),
  })

const signIn = (identifier: string, password: string) =>
  post('com.atproto.server.createSession', { identifier, password })

before(async () => {
  lay(source)
})
after(async () => {
  await host?.stop()
  folder.remove()
})

test('a dry run verifies everything and leaves nothing', async () => {
  const before = digest(folder.path)
  const { out, errors, code } = await adopt(source, '--dry-run', '--json')
  assert.equal(code, 0, errors)
  const { summary } = lines(out).at(-1)
  const { accounts, adopted, records, blobs, missingBlobs } = summary
  assert.deepEqual([accounts, adopted, records, blobs, missingBlobs], [6, 6, 115, 6, 0])
  assert.deepEqual(digest(folder.path), before)
})

test('nothing of ours may lie in what is taken over', async () => {
  const inside = await adopt(source, '--data', join(source, 'data'))
  assert.deepEqual([inside.code, /beside/.test(inside.errors)], [2, true], inside.errors)
  const blobs = await adopt(source, '--data', data)
  assert.match(blobs.errors, /--blobs-folder/)
})

test('killed in the middle, it goes on, and no host starts with half of the accounts', async () => {
  const before = digest(source)
  // However quick it is, it cannot come to its end.
  const key = join(source, 'actors', shardOf(frank.did), frank.did, 'key')
  renameSync(key, `${key}.away`)
  const child = run('adopt', source, ...own, ...KEPT)
  child.stdout.once('data', () => child.kill('SIGKILL'))
  await new Promise((done) => child.on('exit', done))
  const env = ['--env-file', join(source, 'pds.env'), '--plc', 'https://plc.example']
  const early = run('--port', '0', ...own, ...env)
  const [errors] = await Promise.all([text(early.stderr), text(early.stdout)])
  assert.match(errors, /finish falaj pds adopt/)
  renameSync(`${key}.away`, key)
  const { code, out, errors: wrong } = await adopt(source, ...own, ...KEPT, '--json')
  assert.equal(code, 0, wrong)
  const { adopted, records, blobs, sessions, appPasswords, invites } = lines(out).at(-1).summary
  assert.deepEqual([adopted, records, blobs, appPasswords, invites], [6, 115, 6, 2, 2])
  assert.ok(sessions > 0)
  assert.deepEqual(digest(source), before, 'the source is as it was')
  const port = String(await freePort())
  const planned = await plan('pds', ['--port', port, ...own, ...env, '--log-level', 'error'], {})
  host = await serve(planned, (error) => {
    throw error
  })
  url = `http://localhost:${port}`
})

test('people sign in as before, and their passwords are hashed as ours from then on', async () => {
  assert.equal((await signIn(alice.handle, 'not hers')).status, 401)
  for (const password of [alice.password, alice.password, about.appPasswords.plain]) {
    const { status, body } = await signIn(alice.handle, password)
    assert.equal(status, 200, JSON.stringify(body))
    assert.deepEqual([body.did, body.email, body.emailConfirmed], [alice.did, alice.email, true])
  }
  assert.equal((await signIn(alice.handle, about.appPasswords.plain)).status, 200)
  const rows = inDatabase(join(data, 'pds/directory.sqlite'), (db) => [
    db.prepare('SELECT password_hash AS hash FROM accounts WHERE did = ?').get(alice.did)!.hash,
    ...db
      .prepare('SELECT name, length(password_hash) AS bytes FROM app_passwords ORDER BY name')
      .all()
      .map(({ name, bytes }) => `${name} ${bytes}`),
  ])
  assert.match(String(rows[0]), /^\$argon2id/)
  assert.deepEqual(rows.slice(1), ['chats 64', 'reader 32'])
})

test('sessions go on', async () => {
  const secret = /^PDS_JWT_SECRET=(.*)$/m.exec(readFileSync(join(source, 'pds.env'), 'utf8'))![1]!
  const jtiOf = (token: string) =>
    JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()).jti
  const nowS = Math.floor(Date.now() / 1000)
  for (const [{ did }, { refreshJwt }] of [
    [bob, bob],
    [alice, about.appSession],
  ]) {
    // As the old host made it, had it made it today.
    const token = signSession(
      {
        ...{ scope: 'com.atproto.refresh', sub: did, aud: 'did:web:pds.example.com' as Did },
        ...{ iat: nowS, exp: nowS + DAY_S, jti: jtiOf(refreshJwt) },
      },
      new TextEncoder().encode(secret),
    )
    const { status, body } = await post('com.atproto.server.refreshSession', undefined, token)
    assert.equal(status, 200, JSON.stringify(body))
    const session = await get('com.atproto.server.getSession', {}, body.accessJwt)
    assert.equal(session.body.did, did)
  }
})

test('every repository is the one that was there, commit for commit', async () => {
  for (const person of [alice, bob, erin, frank]) {
    const { bytes, status } = await get('com.atproto.sync.getRepo', { did: person.did })
    assert.equal(status, 200)
    const operations = about.operations[person.did]
    const key = parseDidKey(operations.at(-1).verificationMethods.atproto)
    const repo = verifyRepoCar(bytes, { did: person.did, keys: [key] })
    const store = join(source, 'actors', shardOf(person.did), person.did, 'store.sqlite')
    const { cid, rev } = inDatabase(store, (db) =>
      db.prepare('SELECT cid, rev FROM repo_root').get(),
    ) as { cid: string; rev: string }
    assert.deepEqual([cidText(repo.head.commit), repo.head.rev], [cid, rev])
    const { body } = await get('com.atproto.sync.getRepo', { did: person.did, since: rev })
    assert.equal(body, undefined, 'what came later is a CAR too')
  }
  const { body } = await get('com.atproto.repo.listRecords', {
    ...{ repo: frank.did, collection: 'com.example.note', limit: '100' },
  })
  assert.equal(body.records.length, 100)
})

const shardOf = (did: string) => createHash('sha256').update(did).digest('hex').slice(0, 2)

test('who was deactivated, taken down or deleted still is', async () => {
  const statusOf = async (did: string) =>
    (await get('com.atproto.sync.getRepoStatus', { did })).body
  assert.equal((await statusOf(carol.did)).status, 'deactivated')
  assert.equal((await statusOf(dave.did)).status, 'takendown')
  assert.equal((await statusOf(about.deleted)).error, 'RepoNotFound')
  const { uri, cid } = about.takenDown
  const [, , repo, collection, rkey] = uri.split('/')
  const record = await get('com.atproto.repo.getRecord', { repo, collection, rkey })
  assert.equal(record.body.error, 'RecordNotFound')
  assert.notEqual((await get('com.atproto.sync.getBlob', { did: erin.did, cid })).status, 200)
  const { body } = await get('com.atproto.sync.listBlobs', { did: erin.did })
  const other = body.cids.find((one: string) => one !== cid)
  assert.equal((await get('com.atproto.sync.getBlob', { did: erin.did, cid: other })).status, 200)
})

test('preferences, invites and the key of the identities are here', async () => {
  const { accessJwt } = (await signIn(alice.email, alice.password)).body
  const { preferences } = (await get('app.bsky.actor.getPreferences', {}, accessJwt)).body
  const isOurs = ({ $type }: { $type: string }) => !$type.endsWith('#declaredAgePref')
  assert.deepEqual(preferences.filter(isOurs), PREFERENCES)
  const headers = { authorization: `Basic ${btoa('admin:admin-pass')}` }
  const { body } = await call('com.atproto.admin.getInviteCodes', { headers })
  const invite = body.codes.find(({ code }: { code: string }) => code === about.inviteCode)
  assert.deepEqual(
    [invite.available, invite.uses.map(({ usedBy }: { usedBy: string }) => usedBy)],
    [3, [bob.did]],
  )
  const hex = /K256_PRIVATE_KEY_HEX=(.*)/.exec(readFileSync(join(source, 'pds.env'), 'utf8'))![1]!
  const key = importKey('k256', Buffer.from(hex, 'hex')).publicKey.didKey
  const wanted = await get('com.atproto.identity.getRecommendedDidCredentials', {}, accessJwt)
  assert.deepEqual(wanted.body.rotationKeys, [key])
})

test('readers of events go on where they were, and the next write follows the last', async () => {
  const theirs = inDatabase(join(source, 'sequencer.sqlite'), (db) =>
    db.prepare('SELECT seq, did FROM repo_seq WHERE invalidated = 0 ORDER BY seq').all(),
  ) as { seq: number; did: string }[]
  const socket = new WebSocket(
    `${url.replace('http', 'ws')}/xrpc/com.atproto.sync.subscribeRepos?cursor=${theirs[9]!.seq}`,
  )
  socket.binaryType = 'arraybuffer'
  const frames: { type: string; body: Record<string, unknown>; bytes: Uint8Array }[] = []
  const isPosted = Promise.withResolvers<void>()
  socket.onmessage = ({ data }) => {
    const bytes = new Uint8Array(data)
    const frame = decodeFrame(bytes)
    assert.ok('type' in frame)
    frames.push({ type: frame.type, body: frame.body as Record<string, unknown>, bytes })
    if (Number(frame.body && frames.at(-1)!.body.seq) > theirs.at(-1)!.seq) isPosted.resolve()
  }
  const { accessJwt } = (await signIn(alice.handle, alice.password)).body
  const record = { $type: 'app.bsky.feed.post', text: 'here', createdAt: '2026-12-01T00:00:00Z' }
  const input = { repo: alice.did, collection: 'app.bsky.feed.post', record }
  assert.equal((await post('com.atproto.repo.createRecord', input, accessJwt)).status, 200)
  await isPosted.promise
  socket.close()
  const hidden = (row: { did: string }) => row.did === dave.did
  const expected = theirs.slice(10).filter((row) => !hidden(row))
  const seen = frames.filter(({ body }) => (body.repo ?? body.did) !== dave.did)
  assert.deepEqual(
    seen.slice(0, -1).map(({ body }) => body.seq),
    expected.map(({ seq }) => seq),
  )
  const key = parseDidKey(about.operations[alice.did].at(-1).verificationMethods.atproto)
  const mine = frames.filter(({ type, body }) => type === '#commit' && body.repo === alice.did)
  let previous: Parameters<typeof verifyCommitEvent>[1]['previous']
  for (const { body } of mine) {
    const event = parseCommitEvent(body)
    assert.ok(event.ok)
    const nowMs = Date.now() + 1000
    const verdict = verifyCommitEvent(event.event, { key, nowMs, ...(previous && { previous }) })
    assert.ok(verdict.ok, JSON.stringify(verdict))
    previous = verdict.head
  }
})

test('an account that is damaged is named and left, all others come, and a lost picture is told', async () => {
  const broken = join(folder.path, 'broken')
  lay(broken)
  const store = join(broken, 'actors', shardOf(carol.did), carol.did, 'store.sqlite')
  inDatabase(store, (db) =>
    db.exec(`UPDATE repo_block SET content = x'a0' WHERE cid = (SELECT cid FROM record LIMIT 1)`),
  )
  const blobs = join(broken, 'blocks', alice.did)
  const [picture] = readdirSync(blobs)
  writeFileSync(join(blobs, picture!), 'something else')
  const into = ['--data', join(folder.path, 'beside'), '--blobs-folder', join(folder.path, 'bits')]
  const first = await adopt(broken, ...into, '--json')
  assert.equal(first.code, 1, first.errors)
  const reports = lines(first.out)
  const reportOf = (did: string) => reports.find((one) => one.did === did)
  assert.match(reportOf(carol.did).refused, /hash/)
  assert.deepEqual(reportOf(alice.did).missingBlobs, { count: 1, cids: [picture] })
  assert.deepEqual([reports.at(-1).summary.adopted, reports.at(-1).summary.refused], [5, 1])
  const second = await adopt(broken, ...into, '--json', '--leave-refused')
  assert.equal(second.code, 0, second.errors)
  assert.equal(lines(second.out).length, 2, 'only what is new is told again')
  inDatabase(join(broken, 'account.sqlite'), (db) => db.exec(`DELETE FROM actor WHERE rowid = 1`))
  assert.match((await adopt(broken, ...into)).errors, /begin anew/)
})
