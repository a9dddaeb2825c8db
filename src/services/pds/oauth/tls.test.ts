/**
 * The official client signs in over TLS: host, directory and the app's own server each have a
 * certificate of an authority made here, and everybody checks it.
 */
import assert from 'node:assert/strict'
import { createServer as createHttpsServer, type Server } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { after, before, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { Agent } from '@atproto/api'
import { JoseKey, NodeOAuthClient } from '@atproto/oauth-client-node'
import { buildConnector, Agent as Connections, fetch as undiciFetch } from 'undici'
import {
  createMetrics,
  type Fetch,
  type Listening,
  listen,
  silentLog,
  testOutside,
} from '#platform/runtime'
import { CertificateAuthority } from '../../../../network/certificate-authority.ts'
import { Browser } from '../pages/browser.test-support.ts'
import { type Person, TestHost } from '../testing/host.test-support.ts'

const HOST = 'pds.example'
const APP = 'app.example'
const FORGED_APP = 'forged-app.example'
const PLC = 'plc.example'

const authority = new CertificateAuthority()
const stranger = new CertificateAuthority('Nobody trusts this one')
/** Where each name of this network is, as the domain name system would say. */
const ports = new Map<string, number>()
const closing: (() => unknown)[] = []

/** A fetch of this network that believes certificates of this authority alone. */
function fetchTrusting(ca: string): Fetch {
  const connector = buildConnector({ ca })
  const connections = new Connections({
    connect(options, callback) {
      const port = String(ports.get(options.hostname) ?? 1)
      connector({ ...options, hostname: '127.0.0.1', servername: options.hostname, port }, callback)
    },
  })
  closing.push(() => connections.destroy())
  return (async (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init)
    const body = request.body === null ? undefined : new Uint8Array(await request.arrayBuffer())
    const { method, signal } = request
    const headers = [...request.headers]
    const redirect = init?.redirect ?? request.redirect
    const call = { method, headers, body, signal, redirect, dispatcher: connections }
    return await undiciFetch(request.url, call as never)
  }) as unknown as Fetch
}

async function open(name: string, server: Server | ReturnType<typeof createTlsServer>) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ports.set(name, (server.address() as AddressInfo).port)
  closing.push(() => server.close())
}

let host: TestHost
let alice: Person
let listening: Listening
const documents = new Map<string, unknown>()

before(async () => {
  host = await TestHost.open({
    publicUrl: `https://${HOST}`,
    outside: testOutside({ startMs: Date.now() }), // the client looks at the machine's clock
    fetch: fetchTrusting(authority.certificate),
  })
  alice = await host.signUp('alice')
  const deps = { log: silentLog, metrics: createMetrics() }
  listening = await listen(host.service, { ...deps, port: 0, trustProxy: true })
  const { port } = new URL(listening.url)
  const front = createTlsServer(authority.certify(HOST), (from) => {
    const to = connect(Number(port), '127.0.0.1')
    from.pipe(to).pipe(from)
    for (const [one, other] of [[from, to] as const, [to, from] as const])
      one.on('error', () => other.destroy())
  })
  await open(HOST, front)
  for (const [name, by] of [
    [APP, authority],
    [FORGED_APP, stranger],
  ] as const)
    await open(
      name,
      createHttpsServer(by.certify(name), (request, response) => {
        const found = documents.get(`https://${name}${request.url}`)
        response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' })
        response.end(JSON.stringify(found ?? {}))
      }),
    )
  await open(
    PLC,
    createHttpsServer(authority.certify(PLC), async (request, response) => {
      const answer = await host.plc.fetch(
        new URL(decodeURIComponent(request.url!), 'http://plc.test'),
      )
      response.writeHead(answer.status, { 'content-type': 'application/json' })
      response.end(await answer.text())
    }),
  )
})
after(async () => {
  for (const close of closing.reverse()) close()
  await listening.close()
  await host.close()
})

function memory<T>() {
  const kept = new Map<string, T>()
  return {
    get: async (key: string) => kept.get(key),
    set: async (key: string, value: T) => void kept.set(key, value),
    del: async (key: string) => void kept.delete(key),
  }
}

/** The host as a browser reaches it. */
function overTls(trusting: Fetch): TestHost {
  const visit: TestHost['visit'] = async (method, target, { headers, body } = {}) => {
    const call = { method, headers, body, redirect: 'manual' as const }
    const response = await trusting(new URL(target, host.url).href, call as RequestInit)
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      cookies: response.headers.getSetCookie(),
      body: await response.text(),
    }
  }
  return Object.assign(Object.create(host), { visit })
}

async function clientAt(app: string, ca: string): Promise<NodeOAuthClient> {
  const origin = `https://${app}`
  const client = new NodeOAuthClient({
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
    fetch: fetchTrusting(ca) as typeof globalThis.fetch,
    handleResolver: `https://${HOST}`,
    plcDirectoryUrl: `https://${PLC}`,
    stateStore: memory(),
    sessionStore: memory(),
    requestLock: async (_name, run) => run(),
  })
  documents.set(`${origin}/client-metadata.json`, client.clientMetadata)
  documents.set(`${origin}/jwks.json`, client.jwks)
  return client
}

test('the official client signs in, writes, renews and signs out, every step of it over TLS', async () => {
  const client = await clientAt(APP, authority.certificate)
  const page = await client.authorize(alice.handle)
  assert.equal(page.origin, `https://${HOST}`)
  const browser = new Browser(overTls(fetchTrusting(authority.certificate)))
  await browser.signIn(alice, page.pathname + page.search)
  await browser.send('decision', { decision: 'allow', scope: '0' })
  const back = new URL(browser.seen!.headers.location!)
  assert.equal(back.origin, `https://${APP}`)
  const { session } = await client.callback(back.searchParams)
  const agent = new Agent(session)
  const { uri } = await agent.post({ text: 'over TLS' })
  assert.ok(uri.startsWith(`at://${alice.did}/app.bsky.feed.post/`))
  const { aud } = await session.getTokenInfo(true)
  assert.equal(new URL(aud).origin, `https://${HOST}`)
  await session.signOut()
  await assert.rejects(agent.post({ text: 'after the end' }))
})

test('a host whose certificate the client does not know is not talked to', async () => {
  const client = await clientAt(APP, stranger.certificate)
  await assert.rejects(client.authorize(alice.handle))
})

test('an app whose document comes under a certificate that the host does not know is none', async () => {
  const client = await clientAt(FORGED_APP, authority.certificate)
  await assert.rejects(client.authorize(alice.handle), /invalid_client/)
})

test('a certificate for another name helps nobody', async () => {
  const trusting = fetchTrusting(authority.certificate)
  const right = ports.get(HOST)!
  ports.set(HOST, ports.get(PLC)!)
  try {
    await assert.rejects(
      async () => trusting(`https://${HOST}/xrpc/_health`),
      (error: Error) => /altnames|ERR_TLS/.test(JSON.stringify(error.cause, ['code', 'message'])),
    )
  } finally {
    ports.set(HOST, right)
  }
})
