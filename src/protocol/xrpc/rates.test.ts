import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { ComAtprotoRepoApplyWrites, ComAtprotoServerCreateSession } from '@atcute/atproto'
import fc from 'fast-check'
import {
  type Counter,
  createRouter,
  type HttpRequest,
  noAuth,
  procedure,
  type RateLimits,
  type RateRule,
} from './index.ts'
import { post, verdictOf } from './requests.fixture.ts'

const signInPath = '/xrpc/com.atproto.server.createSession'
const writesPath = '/xrpc/com.atproto.repo.applyWrites'
const START_MS = 1_700_000_000_000
const MINUTE_MS = 60_000

let nowMs: number
let counts: Map<string, { sum: number; untilMs: number }>
let attempts: number

/** Counts within windows, as storage does. */
const counter: Counter = {
  async increment(key, by, ttlMs) {
    const held = counts.get(key)
    const open = held !== undefined && held.untilMs > nowMs
    const next = { sum: (open ? held.sum : 0) + by, untilMs: open ? held.untilMs : nowMs + ttlMs }
    counts.set(key, next)
    return { sum: next.sum, leftMs: next.untilMs - nowMs }
  },
}

const byName: RateRule<{ request: HttpRequest; input: { identifier: string } }> = {
  name: 'names',
  windowMs: MINUTE_MS,
  points: 3,
  key: ({ input }) => input.identifier,
}
const byWrites: RateRule<{ request: HttpRequest; input: { writes: unknown[] } }> = {
  name: 'writes',
  windowMs: 10 * MINUTE_MS,
  points: 10,
  cost: ({ input }) => input.writes.length,
}

function makeRouter(limits: Partial<RateLimits> = {}) {
  const signIn = procedure(ComAtprotoServerCreateSession.mainSchema, {
    auth: noAuth,
    limits: { rates: [byName] },
    handle() {
      attempts++
      return { accessJwt: 'a', refreshJwt: 'r', handle: 'a.test', did: 'did:plc:abc' }
    },
  })
  const write = procedure(ComAtprotoRepoApplyWrites.mainSchema, {
    auth: noAuth,
    limits: { rates: [byWrites] },
    handle: () => ({}),
  })
  const rates = { counter, now: () => nowMs, everyCall: [], isExempt: () => false, ...limits }
  return createRouter([signIn, write], { rates, health: () => ({}) })
}

const signIn = (identifier: string, ip = '192.0.2.1') => ({
  ...post(signInPath, { identifier, password: 'p' }),
  ip,
})
const deletion = {
  $type: 'com.atproto.repo.applyWrites#delete',
  collection: 'a.b.c',
  rkey: 'a',
}
const writes = (count: number) =>
  post(writesPath, { repo: 'a.test', writes: Array.from({ length: count }, () => deletion) })

describe('a method with a budget', () => {
  beforeEach(() => {
    nowMs = START_MS
    counts = new Map()
    attempts = 0
  })

  test('says in every answer what is left of it, and until when', async () => {
    const { headers } = await makeRouter().handle(signIn('a.test'))
    assert.equal(headers?.['ratelimit-limit'], '3')
    assert.equal(headers?.['ratelimit-remaining'], '2')
    assert.equal(headers?.['ratelimit-reset'], String(START_MS / 1000 + 60))
    assert.equal(headers?.['ratelimit-policy'], '3;w=60')
  })

  test('refuses what is over it, does nothing, and says when to come again', async () => {
    const router = makeRouter()
    for (let call = 0; call < 3; call++) {
      assert.equal((await router.handle(signIn('a.test'))).status, 200)
    }
    nowMs += 20_000
    const refused = await router.handle(signIn('a.test'))
    assert.equal(verdictOf(refused), '429 RateLimitExceeded')
    assert.equal(refused.headers?.['ratelimit-remaining'], '0')
    assert.equal(refused.headers?.['retry-after'], '40')
    assert.equal(attempts, 3)
    nowMs += 40_000
    assert.equal((await router.handle(signIn('a.test'))).status, 200)
  })

  test('keeps the budgets of different keys apart', async () => {
    const router = makeRouter()
    for (let call = 0; call < 4; call++) await router.handle(signIn('a.test'))
    assert.equal((await router.handle(signIn('b.test'))).status, 200)
  })

  test('is charged by what a call costs; one that costs nothing passes', async () => {
    const router = makeRouter()
    assert.equal((await router.handle(writes(9))).headers?.['ratelimit-remaining'], '1')
    assert.equal((await router.handle(writes(2))).status, 429)
    const free = await router.handle(writes(0))
    assert.equal(free.status, 200)
    assert.equal(free.headers?.['ratelimit-limit'], undefined)
  })

  test('is not charged for input that was refused', async () => {
    const router = makeRouter()
    for (let call = 0; call < 5; call++) await router.handle(post(signInPath, { identifier: 1 }))
    assert.equal((await router.handle(signIn('a.test'))).headers?.['ratelimit-remaining'], '2')
  })

  test('takes the budget of all calls first, whatever is called', async () => {
    const everyCall = [{ name: 'all', windowMs: MINUTE_MS, points: 2 }]
    const router = makeRouter({ everyCall })
    await router.handle(signIn('a.test'))
    const unknown = await router.handle(post('/xrpc/com.example.nothing', {}))
    assert.equal(unknown.status, 501)
    assert.equal((await router.handle(signIn('b.test', '192.0.2.2'))).status, 200)
    const second = await router.handle(signIn('c.test'))
    assert.equal(second.status, 200)
    assert.equal(second.headers?.['ratelimit-remaining'], '0')
    assert.equal((await router.handle(signIn('d.test'))).status, 429)
    assert.equal(attempts, 3)
  })

  test('leaves alone the health check, preflights, and who is exempt', async () => {
    const everyCall = [{ name: 'all', windowMs: MINUTE_MS, points: 0 }]
    const router = makeRouter({ everyCall, isExempt: ({ ip }) => ip === '192.0.2.9' })
    assert.equal((await router.handle(signIn('a.test'))).status, 429)
    assert.equal((await router.handle(signIn('a.test', '192.0.2.9'))).status, 200)
    const health = { ...post('/xrpc/_health', {}), method: 'GET', body: undefined }
    assert.equal((await router.handle(health)).status, 200)
    assert.equal((await router.handle({ ...health, method: 'OPTIONS' })).status, 204)
  })

  test('is never overdrawn, whatever is asked in whatever order', async () => {
    const ask = fc.record({ cost: fc.nat(6), waitMs: fc.nat(4 * MINUTE_MS) })
    const property = fc.asyncProperty(fc.array(ask, { maxLength: 30 }), async (asks) => {
      counts = new Map()
      const router = makeRouter()
      let untilMs = Number.NEGATIVE_INFINITY
      let granted = 0
      for (const { cost, waitMs } of asks) {
        nowMs += waitMs
        if (nowMs >= untilMs && cost > 0) {
          untilMs = nowMs + byWrites.windowMs
          granted = 0
        }
        const { status } = await router.handle(writes(cost))
        if (status === 200) granted += cost
        assert.ok(granted <= byWrites.points, `${granted} granted`)
      }
    })
    await fc.assert(property)
  })
})
