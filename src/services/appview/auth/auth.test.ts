import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { signServiceAuth } from '#protocol/auth'
import { generateKey } from '#protocol/crypto'
import { type Person, World } from '../world.test-support.ts'

const NSID = 'app.bsky.feed.getTimeline'
let world: World
let ann: Person
beforeEach(async () => {
  world = await new World().start()
  ann = await world.member('ann')
})
afterEach(() => world.close())

async function errorWith(authorization: string): Promise<string | undefined> {
  const response = await world.fetch(`/xrpc/${NSID}`, { headers: { authorization } })
  return response.status === 200 ? undefined : JSON.parse(response.body as string).error
}
const signed = (claims: Partial<Parameters<typeof signServiceAuth>[0]>) =>
  `Bearer ${signServiceAuth({
    iss: ann.did,
    aud: world.appview.did,
    lxm: NSID,
    nowMs: world.outside.now(),
    key: ann.key,
    jti: 'j',
    ...claims,
  })}`

test('a token of the account for this service and method is taken, by DID and by service id', async () => {
  assert.equal(await errorWith(signed({})), undefined)
  assert.equal(await errorWith(signed({ aud: `${world.appview.did}#bsky_appview` })), undefined)
})

test('other tokens are refused, each by its name', async () => {
  const nowSeconds = Math.floor(world.outside.now() / 1000)
  const rows: [string, string][] = [
    [signed({ aud: 'did:web:other.test' }), 'BadJwtAudience'],
    [signed({ aud: `${world.appview.did}#atproto_labeler` }), 'BadJwtAudience'],
    [signed({ lxm: 'app.bsky.feed.getLikes' }), 'BadJwtLexiconMethod'],
    [signed({ lxm: undefined }), 'BadJwtLexiconMethod'],
    [signed({ expSeconds: nowSeconds - 100 }), 'JwtExpired'],
    [signed({ key: generateKey('k256', world.outside.random) }), 'BadJwtSignature'],
    [signed({ iss: `${ann.did}#atproto_labeler` }), 'BadJwtIss'],
    [signed({ iss: 'did:plc:nobody' }), 'BadJwtIss'],
    ['Bearer nonsense', 'BadJwt'],
    ['Basic YTpi', 'AuthMissing'],
    ['nonsense', 'InvalidToken'],
  ]
  for (const [authorization, error] of rows) assert.equal(await errorWith(authorization), error)
})

test('a bad token is refused also where none is needed', async () => {
  const response = await world.fetch('/xrpc/app.bsky.actor.getProfile', {
    query: `actor=${ann.did}`,
    headers: { authorization: signed({}) },
  })
  assert.equal(response.status, 401)
})

test('a token is remembered for its method only, and not beyond its time', async () => {
  const token = signed({})
  assert.equal(await errorWith(token), undefined)
  const other = await world.fetch('/xrpc/app.bsky.notification.listNotifications', {
    headers: { authorization: token },
  })
  assert.equal(other.status, 401)
  await world.outside.advance(59_000)
  assert.equal(await errorWith(token), undefined)
  await world.outside.advance(60_000)
  assert.equal(await errorWith(token), 'JwtExpired')
})

test('a new key is noticed', async () => {
  assert.equal(await errorWith(signed({})), undefined)
  ann.key = generateKey('p256', world.outside.random)
  assert.equal(await errorWith(signed({ jti: 'k' })), undefined)
})

test('when the directory cannot be asked, that is nobody’s fault here', async () => {
  const eve = world.person('eve')
  eve.document = () => {
    throw new Error('down')
  }
  assert.equal(await errorWith(signed({ iss: eve.did, key: eve.key })), 'UpstreamFailure')
})
