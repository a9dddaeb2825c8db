/** What apps send: scopes, documents about themselves, proofs that they hold a key. */
import assert from 'node:assert/strict'
import { createECDH } from 'node:crypto'
import {
  ClientError,
  createDpopReader,
  DpopError,
  loopbackClient,
  matchRedirectUri,
  Permissions,
  parseClientMetadata,
  parsePermission,
  parsePermissionSet,
  requireClientId,
  scopesOfSet,
} from '#protocol/auth'
import { importKey } from '#protocol/crypto'
import { isNsid } from '#protocol/syntax'
import type { Chances } from '../simulation/index.ts'
import { wrongJson, wrongText, wrongValue } from './mutate.ts'

/** Whether an error of these parsers says no. */
export const isAppRefusal = (error: unknown): boolean =>
  error instanceof ClientError || error instanceof DpopError

const SCOPES = [
  'atproto transition:generic transition:email transition:chat.bsky',
  'repo:com.example.foo?action=create&action=update',
  'repo?collection=com.example.foo&collection=com.example.bar',
  'rpc:com.example.query?aud=did:web:api.example.com%23api_example',
  'rpc?lxm=*&aud=did:web:api.example.com%23svc',
  'blob?accept=video/*&accept=text/html',
  'account:email?action=manage',
  'identity:handle',
  'include:app.example.authFull?aud=did:web:api.example.com%23svc_chat',
]

function readScopes(scope: string): boolean {
  const permissions = new Permissions(scope)
  const parsed = scope.split(' ').flatMap((one) => parsePermission(one) ?? [])
  const isWhole = parsed.some((one) => one.resource === 'identity' && one.attr === '*')
  assert.equal(permissions.allowsIdentity('*'), isWhole)
  for (const one of parsed) {
    const names = one.resource === 'repo' ? one.collections : one.resource === 'rpc' ? one.lxm : []
    for (const name of names) assert.ok(name === '*' || isNsid(name), name)
    if (one.resource === 'rpc') assert.ok(one.aud !== '*' || !one.lxm.includes('*'), 'everything')
  }
  return parsed.length > 0
}

const SET = {
  lexicon: 1,
  id: 'com.example.cards.authFull',
  defs: {
    main: {
      type: 'permission-set',
      title: 'Cards',
      'title:lang': { ar: 'ورق' },
      permissions: [
        { type: 'permission', resource: 'repo', collection: ['com.example.cards.game'] },
        { type: 'permission', resource: 'rpc', lxm: ['com.example.cards.deal'], inheritAud: true },
        { type: 'permission', resource: 'rpc', lxm: ['com.example.cards.look'], aud: '*' },
      ],
    },
  },
}

function readSet(document: unknown): boolean {
  const set = parsePermissionSet(document, SET.id)
  if (!set) return false
  for (const scope of scopesOfSet(set, 'did:web:cards.example#svc')) {
    const one = parsePermission(scope)
    assert.ok(one?.resource === 'repo' || one?.resource === 'rpc')
    const names = one.resource === 'repo' ? one.collections : one.lxm
    for (const name of names) assert.ok(name.startsWith('com.example.cards.'), `outside: ${name}`)
  }
  return true
}

const CLIENT_ID = 'https://app.example.com/client-metadata.json'
const DOCUMENT = {
  client_id: CLIENT_ID,
  application_type: 'native',
  client_name: 'App',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  redirect_uris: ['https://app.example.com/callback', 'com.example.app:/callback'],
  scope: 'atproto transition:generic',
  token_endpoint_auth_method: 'none',
  dpop_bound_access_tokens: true,
}

function readClient(document: unknown): void {
  const client = parseClientMetadata(document, CLIENT_ID)
  assert.ok(client.scopes.has('atproto'))
  for (const uri of client.redirectUris) {
    assert.equal(matchRedirectUri(client, uri), uri)
    const { protocol } = new URL(uri)
    assert.ok(['https:', 'http:', 'com.example.app:'].includes(protocol), uri)
  }
}

const NAMES = [
  CLIENT_ID,
  'http://localhost',
  'http://localhost/?redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&scope=atproto%20repo:*',
]

function readName(clientId: string): void {
  requireClientId(clientId)
  const { hostname, protocol } = new URL(clientId)
  if (protocol === 'http:') return void loopbackClient(clientId)
  assert.match(hostname, /\./)
  assert.doesNotMatch(hostname, /^[\d.]+$|^\[/)
}

const SCALAR = new Uint8Array(32).fill(9)
const URL_CALLED = 'https://host.example/xrpc/com.example.read'
const PROOFS = ['one', 'two'].map((jti) => {
  const exchange = createECDH('prime256v1')
  exchange.setPrivateKey(SCALAR)
  const point = exchange.getPublicKey()
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((one) => one.toString('base64url'))
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const head = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty: 'EC', crv: 'P-256', x, y } }
  const claims = { jti, htm: 'GET', htu: URL_CALLED, iat: 1, nonce: 'n' }
  const signed = `${part(head)}.${part(claims)}`
  const signature = importKey('p256', SCALAR).sign(new TextEncoder().encode(signed))
  return `${signed}.${Buffer.from(signature).toString('base64url')}`
})
const readProof = createDpopReader()
const signedPart = (token: string) => token.slice(0, token.lastIndexOf('.'))

function wrongProof(chance: Chances): string {
  if (chance() < 0.5) return wrongText(chance, PROOFS)
  const pieces = chance.pick(PROOFS)!.split('.')
  const at = chance.upTo(2)
  const value = JSON.parse(Buffer.from(pieces[at]!, 'base64url').toString())
  const wrong = JSON.stringify(wrongValue(chance, [value])) ?? ''
  pieces[at] = Buffer.from(wrong).toString('base64url')
  return pieces.join('.')
}

function readDpop(proof: string): void {
  readProof(proof, { method: 'GET', url: URL_CALLED, accessToken: undefined })
  assert.ok(PROOFS.map(signedPart).includes(signedPart(proof)), 'a proof that nobody signed')
}

/** Each with its part of all inputs. */
export const APP_TARGETS = [
  {
    name: 'scopes',
    share: 4,
    input: (chance: Chances) => wrongText(chance, SCOPES),
    read: readScopes,
  },
  {
    name: 'permission sets',
    share: 2,
    input: (chance: Chances) => wrongJson(chance, [SET]),
    read: readSet,
  },
  {
    name: 'documents of apps',
    share: 3,
    input: (chance: Chances) => wrongJson(chance, [DOCUMENT]),
    read: readClient,
  },
  {
    name: 'names of apps',
    share: 2,
    input: (chance: Chances) => wrongText(chance, NAMES),
    read: readName,
  },
  { name: 'proofs of possession', share: 2, input: wrongProof, read: readDpop },
] as const
