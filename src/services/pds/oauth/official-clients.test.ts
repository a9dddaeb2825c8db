/** The official clients, unmodified, against a host: sign in, call, renew, end. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Agent } from '@atproto/api'
import {
  JoseKey,
  NodeOAuthClient,
  type NodeOAuthClientOptions,
  type OAuthSession,
} from '@atproto/oauth-client-node'
import { testOutside } from '#platform/runtime'
import type { HttpResponse } from '#protocol/xrpc'
import { Browser } from '../pages/browser.test-support.ts'
import { type Person, TestHost } from '../testing/host.test-support.ts'

let host: TestHost
let alice: Person
/** The apps' own web servers. */
const documents = new Map<string, unknown>()

before(async () => {
  host = await TestHost.open({
    // The clients look at the clock of the machine.
    outside: testOutside({ startMs: Date.now() }),
    async fetch(url) {
      const found = documents.get(String(url))
      if (!found) throw new Error(`nobody at ${url}`)
      return Response.json(found)
    },
  })
  alice = await host.signUp('alice')
})
after(() => host.close())

/** The network as the clients see it: this host, its directory, and nothing else. */
async function network(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init)
  const url = new URL(request.url)
  if (url.hostname === 'plc.test')
    return host.plc.fetch(new URL(decodeURIComponent(url.pathname), url))
  if (url.origin !== host.url) return new Response('', { status: 404 })
  const bytes = new Uint8Array(await request.arrayBuffer())
  const response = await host.service.handle({
    method: request.method,
    path: url.pathname,
    query: url.search.slice(1),
    headers: { host: url.host, ...Object.fromEntries(request.headers) },
    body: bytes.length > 0 ? bytes : undefined,
    ip: '127.0.0.1',
    id: 'test',
    signal: request.signal,
  })
  return new Response(await bodyOf(response), {
    status: response.status,
    headers: response.headers!,
  })
}

async function bodyOf({ body }: HttpResponse): Promise<BodyInit | null> {
  if (body === undefined || typeof body === 'string') return body ?? null
  if (body instanceof Uint8Array) return body as BodyInit
  const chunks: BlobPart[] = []
  for await (const chunk of body) chunks.push(chunk as BlobPart)
  return new Blob(chunks)
}

function memory<T>() {
  const kept = new Map<string, T>()
  return {
    get: async (key: string) => kept.get(key),
    set: async (key: string, value: T) => void kept.set(key, value),
    del: async (key: string) => void kept.delete(key),
  }
}

const clientOf = (options: Pick<NodeOAuthClientOptions, 'clientMetadata' | 'keyset'>) =>
  new NodeOAuthClient({
    ...options,
    fetch: network,
    handleResolver: host.url,
    plcDirectoryUrl: 'https://plc.test',
    stateStore: memory(),
    sessionStore: memory(),
    requestLock: async (_name, run) => run(),
  })

/** What a person does at the pages; the way back to the app. */
async function allow(page: URL, person: Person): Promise<URLSearchParams> {
  const browser = new Browser(host)
  await browser.signIn(person, page.pathname + page.search)
  const boxes = [...browser.seen!.text.matchAll(/name="scope" value="(\d+)"/g)]
  await browser.send('decision', { decision: 'allow', scope: boxes.map((box) => box[1]!) })
  return new URL(browser.seen!.headers.location!).searchParams
}

async function useAndEnd(session: OAuthSession): Promise<void> {
  const agent = new Agent(session)
  const { uri } = await agent.post({ text: 'by an official client' })
  const { data } = await agent.com.atproto.server.getSession()
  assert.equal(data.did, alice.did)
  const before = await session.getTokenInfo(false)
  const renewed = await session.getTokenInfo(true)
  assert.ok(renewed.expiresAt! >= before.expiresAt!)
  assert.equal(renewed.sub, alice.did)
  await agent.deletePost(uri)
  const [app] = await host.service.oauth.listAuthorizedApps(alice.did)
  assert.ok(app)
  await session.signOut()
  assert.deepEqual(await host.service.oauth.listAuthorizedApps(alice.did), [])
  await assert.rejects(agent.com.atproto.server.getSession())
}

/** An app under development. */
function loopback(): NodeOAuthClient {
  const query = new URLSearchParams({
    redirect_uri: 'http://127.0.0.1/callback',
    scope: 'atproto transition:generic',
  })
  return clientOf({
    clientMetadata: {
      client_id: `http://localhost?${query}`,
      redirect_uris: ['http://127.0.0.1/callback'],
      scope: 'atproto transition:generic',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      dpop_bound_access_tokens: true,
    },
  })
}

test('an app under development signs in, writes, renews and signs out', async () => {
  const client = loopback()
  const page = await client.authorize(alice.handle, { state: 'mine' })
  const { session, state } = await client.callback(await allow(page, alice))
  assert.equal(state, 'mine')
  await useAndEnd(session)
})

test('a server that proves itself by its keys does the same, and restores its session later', async () => {
  const origin = 'https://app.example.com'
  const client = clientOf({
    keyset: [await JoseKey.generate(['ES256'], 'key-1')],
    clientMetadata: {
      client_id: `${origin}/client-metadata.json`,
      client_uri: origin,
      redirect_uris: [`${origin}/callback`],
      scope: 'atproto repo:app.bsky.feed.post',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      application_type: 'web',
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      dpop_bound_access_tokens: true,
      jwks_uri: `${origin}/jwks.json`,
    },
  })
  documents.set(`${origin}/client-metadata.json`, client.clientMetadata)
  documents.set(`${origin}/jwks.json`, client.jwks)
  const page = await client.authorize(alice.did, { scope: 'atproto repo:app.bsky.feed.post' })
  await client.callback(await allow(page, alice))
  await useAndEnd(await client.restore(alice.did))
})

test('an answer that is another server’s, or says of nobody whose it is, is not taken', async () => {
  const client = loopback()
  const answerOf = async () => allow(await client.authorize(alice.handle), alice)
  for (const iss of ['https://evil.example', undefined]) {
    const answer = await answerOf()
    if (iss === undefined) answer.delete('iss')
    else answer.set('iss', iss)
    await assert.rejects(client.callback(answer), /issuer|iss/i)
  }
  const [mine, other] = [await answerOf(), await answerOf()]
  mine.set('state', 'of somebody else')
  await assert.rejects(client.callback(mine), /Unknown authorization session/)
  await client.callback(other)
})
