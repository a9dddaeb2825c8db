/** An app as strangers write them: its own keys and proofs, over HTTP alone. */
import assert from 'node:assert/strict'
import { createHash, randomBytes, webcrypto } from 'node:crypto'
import type { HttpResponse } from '#protocol/xrpc'
import type { Answer, Call, Person, TestHost } from '../testing/host.test-support.ts'

const { subtle } = webcrypto
const curve = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const sha = (text: string) => createHash('sha256').update(text).digest('base64url')

/** A key pair of an app. */
export class AppKey {
  readonly #pair: webcrypto.CryptoKeyPair
  readonly jwk: Record<string, unknown>

  private constructor(pair: webcrypto.CryptoKeyPair, jwk: Record<string, unknown>) {
    this.#pair = pair
    this.jwk = jwk
  }

  static async make(extra: Record<string, unknown> = {}): Promise<AppKey> {
    const pair = (await subtle.generateKey(curve, true, ['sign', 'verify'])) as never
    const { publicKey } = pair as webcrypto.CryptoKeyPair
    const { kty, crv, x, y } = await subtle.exportKey('jwk', publicKey)
    return new AppKey(pair, { kty, crv, x, y, ...extra })
  }

  async sign(head: object, claims: object): Promise<string> {
    const signed = `${part(head)}.${part(claims)}`
    const signature = await subtle.sign(curve, this.#pair.privateKey, Buffer.from(signed))
    return `${signed}.${Buffer.from(signature).toString('base64url')}`
  }

  /** A DPoP proof. */
  proof(claims: Record<string, unknown>): Promise<string> {
    return this.sign({ typ: 'dpop+jwt', alg: 'ES256', jwk: this.jwk }, claims)
  }
}

export interface Tokens {
  access_token: string
  refresh_token: string
  token_type: string
  expires_in: number
  scope: string
  sub: string
}

export interface OAuthAnswer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any
  headers: Record<string, string>
}

export const LOOPBACK = `http://localhost/?${new URLSearchParams({
  redirect_uri: 'http://127.0.0.1/callback',
  scope:
    'atproto transition:generic transition:email transition:chat.bsky repo:app.bsky.feed.post blob:image/* account:email?action=manage identity:handle rpc:app.bsky.feed.getTimeline?aud=*',
})}`

/** One installation of an app: a DPoP key and what the host last said. */
export class TestApp {
  readonly host: TestHost
  readonly key: AppKey
  clientId: string
  redirectUri: string
  /** Proves the app itself, when it is a confidential one. */
  clientKey: AppKey | undefined
  nonce: string | undefined
  verifier = ''

  constructor(
    host: TestHost,
    key: AppKey,
    options: { clientId?: string; redirectUri?: string; clientKey?: AppKey } = {},
  ) {
    this.host = host
    this.key = key
    this.clientId = options.clientId ?? LOOPBACK
    this.redirectUri = options.redirectUri ?? 'http://127.0.0.1:4567/callback'
    this.clientKey = options.clientKey
  }

  static async of(host: TestHost, options = {}): Promise<TestApp> {
    return new TestApp(host, await AppKey.make(), options)
  }

  proof(method: string, path: string, claims: Record<string, unknown> = {}): Promise<string> {
    return this.key.proof({
      jti: randomBytes(8).toString('hex'),
      htm: method,
      htu: this.host.url + path,
      iat: Math.floor(this.host.outside.now() / 1000),
      nonce: this.nonce,
      ...claims,
    })
  }

  assertion(claims: Record<string, unknown> = {}): Promise<string> {
    const nowS = Math.floor(this.host.outside.now() / 1000)
    const { clientId } = this
    return this.clientKey!.sign(
      { alg: 'ES256', kid: this.clientKey!.jwk.kid },
      {
        iss: clientId,
        sub: clientId,
        aud: this.host.url,
        jti: randomBytes(8).toString('hex'),
        iat: nowS,
        exp: nowS + 60,
        ...claims,
      },
    )
  }

  /** Posts a form, with the nonce that the host asks for. */
  async post(
    path: string,
    fields: Record<string, string | undefined>,
    { proof }: { proof?: string } = {},
  ): Promise<OAuthAnswer> {
    const given = { client_id: this.clientId, ...(await this.#credentials()), ...fields }
    const entries = Object.entries(given).filter((one): one is [string, string] => !!one[1])
    const send = async () => {
      const response = await this.host.visit('POST', path, {
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          dpop: proof ?? (await this.proof('POST', path)),
        },
        body: String(new URLSearchParams(entries)),
      })
      this.nonce = response.headers?.['dpop-nonce']
      return answerOf(response)
    }
    const answer = await send()
    if (answer.body.error !== 'use_dpop_nonce' || proof !== undefined) return answer
    return send()
  }

  async #credentials(): Promise<Record<string, string>> {
    if (!this.clientKey) return {}
    return {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await this.assertion(),
    }
  }

  par(fields: Record<string, string | undefined> = {}): Promise<OAuthAnswer> {
    this.verifier = randomBytes(32).toString('base64url')
    return this.post('/oauth/par', {
      response_type: 'code',
      redirect_uri: this.redirectUri,
      scope: 'atproto transition:generic',
      state: 'the state',
      code_challenge: sha(this.verifier),
      code_challenge_method: 'S256',
      ...fields,
    })
  }

  /** Asks, and gets its owner's word without a page. The code. */
  async code(person: Person, scope = 'atproto transition:generic'): Promise<string> {
    const answer = await this.par({ scope })
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    const { requests } = this.host.service.oauth
    const code = await requests.grant(answer.body.request_uri, { did: person.did, scope })
    assert.ok(code)
    return code
  }

  exchange(code: string, fields: Record<string, string | undefined> = {}): Promise<OAuthAnswer> {
    return this.post('/oauth/token', {
      grant_type: 'authorization_code',
      code,
      redirect_uri: this.redirectUri,
      code_verifier: this.verifier,
      ...fields,
    })
  }

  refresh(refreshToken: string, fields: Record<string, string> = {}): Promise<OAuthAnswer> {
    return this.post('/oauth/token', {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      ...fields,
    })
  }

  /** The whole way to tokens. */
  async signIn(person: Person, scope?: string): Promise<Tokens> {
    const answer = await this.exchange(await this.code(person, scope))
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    return answer.body
  }

  /** Calls a method with a token; `claims` go into the proof. */
  async call(
    method: 'GET' | 'POST',
    nsid: string,
    token: string,
    { claims, proof, ...call }: Call & { claims?: Record<string, unknown>; proof?: string } = {},
  ): Promise<Answer> {
    const send = async () => {
      const made =
        proof ?? (await this.proof(method, `/xrpc/${nsid}`, { ath: sha(token), ...claims }))
      const headers = { ...call.headers, authorization: `DPoP ${token}`, dpop: made }
      const answer = await this.host.call(method, nsid, { ...call, headers })
      this.nonce = answer.headers['dpop-nonce']
      return answer
    }
    const answer = await send()
    const isRetried = answer.body?.error === 'use_dpop_nonce' && !proof && !claims
    return isRetried ? send() : answer
  }
}

function answerOf({ status, headers = {}, body }: HttpResponse): OAuthAnswer {
  const text = typeof body === 'string' ? body : ''
  return { status, headers, body: text === '' ? {} : JSON.parse(text) }
}
