/** How the feeds come to have an account at a host, and publish there. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sealer, silentLog, testOutside } from '#platform/runtime'
import { loadMigrations, openSqlite } from '#platform/storage'
import { verifyServiceAuth } from '#protocol/auth'
import { generateKey } from '#protocol/crypto'
import type { Did, Handle } from '#protocol/syntax'
import { feedsMigrations } from '../index.ts'
import { Publisher } from './publisher.ts'

const HOST = 'https://host.example'
const HOST_DID = 'did:web:host.example'
const did = 'did:plc:cccccccccccccccccccccccc' as Did
const account = 'did:plc:dddddddddddddddddddddddd'
const CID = 'bafyreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454'
const key = generateKey('k256')

interface Call {
  nsid: string
  input: Record<string, string>
  token: string | undefined
}

/** A host that gives the account to `isWelcome`, and what it was asked. */
async function publish(isWelcome: (call: Call) => boolean | Promise<boolean>) {
  const calls: Call[] = []
  let password: string | undefined
  const outside = testOutside({ seed: 1 })
  const session = { did: account, handle: 'feeds.test', accessJwt: 'a.a.a', refreshJwt: 'r.r.r' }
  const refuse = (status: number, error: string) =>
    Response.json({ error, message: error }, { status })
  outside.fetch = async (url, init = {}) => {
    const nsid = new URL(String(url)).pathname.slice('/xrpc/'.length)
    const body = init.body ? await new Response(init.body).text() : '{}'
    const authorization = new Headers(init.headers).get('authorization')
    const call = { nsid, input: JSON.parse(body), token: authorization?.replace('Bearer ', '') }
    calls.push(call)
    switch (nsid.split('.').at(-1)) {
      case 'describeServer':
        return Response.json({ did: HOST_DID, availableUserDomains: ['.test'] })
      case 'createSession':
        if (password === call.input.password) return Response.json(session)
        return refuse(401, 'AuthenticationRequired')
      case 'createAccount':
        if (!(await isWelcome(call))) return refuse(400, 'HandleNotAvailable')
        password = call.input.password
        return Response.json(session)
      default:
        return Response.json({ uri: `at://${account}/app.bsky.feed.generator/x`, cid: CID })
    }
  }
  const publisher = new Publisher({
    did,
    key,
    host: HOST,
    handle: 'feeds.test' as Handle,
    password: undefined,
    sql: await openSqlite(':memory:', { migrations: loadMigrations(feedsMigrations) }),
    sealer: sealer(new Uint8Array(32).fill(1)),
    outside,
    log: silentLog,
  })
  const stop = new AbortController()
  const running = publisher.loop.run(stop.signal)
  await publisher.firstAttempt(60_000)
  stop.abort()
  await running
  return { calls, published: publisher.published }
}

test('where the name is free, the account is made without saying who we are', async () => {
  const { calls, published } = await publish(() => true)
  assert.equal(published.length, 3)
  const made = calls.filter(({ nsid }) => nsid.endsWith('createAccount'))
  assert.deepEqual(
    made.map(({ token }) => token),
    [undefined],
  )
})

test('a name that the host keeps for us is claimed by a token of ours, for that alone', async () => {
  const verify = ({ token }: Call) =>
    verifyServiceAuth(token!, {
      aud: HOST_DID,
      lxm: 'com.atproto.server.createAccount',
      nowMs: Date.parse('2026-01-01T00:00:00Z'),
      signingKey: async () => key.publicKey,
    })
  const issuers: string[] = []
  const { published } = await publish(async (call) => {
    if (call.token === undefined) return false
    issuers.push((await verify(call)).iss)
    return true
  })
  assert.deepEqual(issuers, [did])
  assert.equal(published.length, 3)
})

test('a name that is somebody else’s stays theirs, and nothing is published', async () => {
  const { calls, published } = await publish(() => false)
  assert.deepEqual(published, [])
  assert.equal(calls.filter(({ nsid }) => nsid.endsWith('putRecord')).length, 0)
})
