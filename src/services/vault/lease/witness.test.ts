import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { type HttpResponse, type Service, silentLog } from '#platform/runtime'
import { loadMigrations, openSqlite, type Sql } from '#platform/storage'
import { isLeaseProof, leaseProof } from '#protocol/account'
import { createWitness, vaultMigrations, witnessConfig } from '../index.ts'

const SECRET = 'a secret of two hosts'
const TERM = 5_000
const A = 'a'.repeat(32)
const B = 'b'.repeat(32)
const C = 'c'.repeat(32)

let sql: Sql
let clockMs = 0
let witness: Service

/** Anew on the same rows: all it knew beside them is gone. */
const start = () => {
  const config = witnessConfig.with({ leaseSecrets: [`pds.example=${SECRET}`], leaseTermMs: TERM })
  const stopwatch = () => {
    const began = clockMs
    return () => clockMs - began
  }
  const outside = { now: () => Date.UTC(2026, 0, 1) + clockMs }
  witness = createWitness(config, { sql, outside, stopwatch, log: silentLog, version: 'test' })
}

beforeEach(async () => {
  sql = await openSqlite(':memory:', { migrations: loadMigrations(vaultMigrations) })
  clockMs = 0
  start()
})
afterEach(() => sql.close())

let calls = 0

async function ask(
  use: string,
  fields: Record<string, string | number> = {},
  { secret = SECRET, hostname = 'pds.example', ip = '10.0.0.1' } = {},
) {
  const nonce = String(++calls).padStart(32, '0')
  const call = { hostname, nonce, ...fields }
  const proven = { ...call, proof: leaseProof(secret, use, call) }
  const isQuery = use === 'look'
  const response: HttpResponse = await witness.handle({
    method: isQuery ? 'GET' : 'POST',
    path: `/xrpc/app.falaj.lease.${use}`,
    query: isQuery ? new URLSearchParams(proven).toString() : '',
    headers: { 'content-type': 'application/json' },
    body: isQuery ? undefined : new TextEncoder().encode(JSON.stringify(proven)),
    ip,
    id: 'test',
    signal: new AbortController().signal,
  })
  const { proof, ...answer } = JSON.parse(String(response.body))
  if (response.status === 200) {
    assert.ok(isLeaseProof(SECRET, `${use} answer`, { ...answer, nonce }, proof), 'a proven answer')
  }
  return response.status === 200
    ? `${answer.state} ${answer.epoch} ${answer.waitMs}`
    : `${response.status} ${answer.error}`
}

type Step = [atMs: number, use: string | (() => void), fields?: object, expected?: string]

const rows: [string, Step[]][] = [
  [
    'who comes first has it, others wait for the end of the term and must know of it',
    [
      [0, 'look', {}, 'unknown 0 0'],
      [0, 'take', { claim: A, after: 0 }, 'given 1 5000'],
      [0, 'renew', { claim: A, epoch: 1, turn: 1 }, 'held 1 5000'],
      [10, 'take', { claim: B, after: 1 }, 'held 1 4990'],
      [20, 'take', { claim: B, after: 0 }, 'superseded 1 4980'],
      [4_999, 'take', { claim: B, after: 1 }, 'held 1 1'],
      [5_000, 'look', {}, 'lapsed 1 0'],
      [5_000, 'take', { claim: B, after: 1 }, 'given 2 5000'],
      [5_001, 'renew', { claim: A, epoch: 1, turn: 2 }, 'superseded 2 4999'],
      [5_002, 'renew', { claim: B, epoch: 2, turn: 1 }, 'held 2 5000'],
      [5_003, 'take', { claim: A, after: 1 }, 'superseded 2 4999'],
    ],
  ],
  [
    'what was given and never begun makes nobody older, and its epoch is not used again',
    [
      [0, 'take', { claim: A, after: 0 }, 'given 1 5000'],
      [1, 'take', { claim: B, after: 0 }, 'held 1 4999'],
      [5_000, 'take', { claim: B, after: 0 }, 'given 2 5000'],
      [5_001, 'renew', { claim: A, epoch: 1, turn: 1 }, 'superseded 2 4999'],
      [10_000, 'take', { claim: C, after: 2 }, 'given 3 5000'],
      [15_000, 'take', { claim: B, after: 1 }, 'given 4 5000'],
      [15_001, 'renew', { claim: B, epoch: 4, turn: 1 }, 'held 4 5000'],
      [20_001, 'take', { claim: C, after: 3 }, 'superseded 4 0'],
      [20_001, 'take', { claim: C, after: 5 }, 'superseded 4 0'],
      [20_001, 'take', { claim: C, after: 4 }, 'given 5 5000'],
    ],
  ],
  [
    'a renewal begins the term anew, also of one that is over and that nobody took',
    [
      [0, 'take', { claim: A, after: 0 }, 'given 1 5000'],
      [3_000, 'renew', { claim: A, epoch: 1, turn: 1 }, 'held 1 5000'],
      [7_999, 'take', { claim: B, after: 1 }, 'held 1 1'],
      [20_000, 'renew', { claim: A, epoch: 1, turn: 2 }, 'held 1 5000'],
      [20_001, 'take', { claim: B, after: 1 }, 'held 1 4999'],
    ],
  ],
  [
    'an ask that was seen before renews nothing',
    [
      [0, 'take', { claim: A, after: 0 }, 'given 1 5000'],
      [1_000, 'take', { claim: A, after: 0 }, 'given 1 5000'],
      [2_000, 'renew', { claim: A, epoch: 1, turn: 2 }, 'held 1 5000'],
      [3_000, 'renew', { claim: A, epoch: 1, turn: 2 }, 'held 1 4000'],
      [3_500, 'renew', { claim: A, epoch: 1, turn: 1 }, 'held 1 3500'],
      [4_000, 'take', { claim: A, after: 0 }, 'superseded 1 3000'],
    ],
  ],
  [
    'who gives it back is not waited for, and has it no more',
    [
      [0, 'take', { claim: A, after: 0 }, 'given 1 5000'],
      [1, 'release', { claim: B, epoch: 1 }, 'superseded 1 4999'],
      [2, 'release', { claim: A, epoch: 1 }, 'released 1 0'],
      [3, 'release', { claim: A, epoch: 1 }, 'released 1 0'],
      [3, 'renew', { claim: A, epoch: 1, turn: 1 }, 'released 1 0'],
      [4, 'take', { claim: B, after: 1 }, 'given 2 5000'],
      [5, 'release', { claim: A, epoch: 1 }, 'superseded 2 4999'],
    ],
  ],
  [
    'an operator has it end with its term, never before',
    [
      [0, 'take', { claim: A, after: 0 }, 'given 1 5000'],
      [1_000, 'release', { epoch: 2 }, 'superseded 1 4000'],
      [1_000, 'release', { epoch: 1 }, 'ending 1 4000'],
      [1_500, 'renew', { claim: A, epoch: 1, turn: 1 }, 'ending 1 3500'],
      [4_999, 'take', { claim: B, after: 1 }, 'ending 1 1'],
      [5_000, 'take', { claim: B, after: 1 }, 'given 2 5000'],
    ],
  ],
  [
    'a witness that starts again waits out a whole term, and knows who had it',
    [
      [0, 'take', { claim: A, after: 0 }, 'given 1 5000'],
      [4_000, start],
      [4_000, 'take', { claim: B, after: 1 }, 'held 1 5000'],
      [4_500, 'renew', { claim: A, epoch: 1, turn: 9 }, 'held 1 5000'],
      [9_499, 'take', { claim: B, after: 1 }, 'held 1 1'],
      [30_000, start],
      [34_999, 'take', { claim: B, after: 1 }, 'held 1 1'],
      [35_000, 'take', { claim: B, after: 1 }, 'given 2 5000'],
      [35_000, start],
      [35_000, 'take', { claim: B, after: 1 }, 'given 2 5000'],
      [35_001, 'renew', { claim: B, epoch: 2, turn: 1 }, 'held 2 5000'],
      [35_002, 'take', { claim: A, after: 1 }, 'superseded 2 4999'],
    ],
  ],
  [
    'a witness that lost everything gives nothing away until an operator says where to go on',
    [
      [0, 'take', { claim: A, after: 7 }, 'unknown 0 0'],
      [0, 'renew', { claim: A, epoch: 7, turn: 1 }, 'unknown 0 0'],
      [0, 'release', { claim: A, epoch: 7 }, 'unknown 0 0'],
      [0, 'release', { epoch: 7 }, 'ending 7 5000'],
      [0, 'take', { claim: B, after: 6 }, 'superseded 7 5000'],
      [5_000, 'take', { claim: A, after: 7 }, 'given 8 5000'],
    ],
  ],
]

for (const [title, steps] of rows) {
  test(title, async () => {
    for (const [atMs, use, fields, expected] of steps) {
      clockMs = atMs
      if (typeof use === 'function') use()
      else assert.equal(await ask(use, { ...fields }), expected, `${use} at ${atMs}`)
    }
  })
}

test('of two who ask at once, one has it', async () => {
  const answers = await Promise.all([A, B].map((claim) => ask('take', { claim, after: 0 })))
  assert.deepEqual(answers.sort(), ['given 1 5000', 'held 1 5000'])
})

test('without the secret nothing is told, and guessing is slow', async () => {
  await ask('take', { claim: A, after: 0 })
  const wrong = { secret: 'another secret of theirs', ip: '10.0.0.9' }
  for (const [use, fields] of [
    ['take', { claim: B, after: 1 }],
    ['renew', { claim: A, epoch: 1, turn: 1 }],
    ['release', { epoch: 1 }],
    ['look', {}],
  ] as const) {
    assert.equal(await ask(use, fields, wrong), '401 WrongProof')
  }
  assert.equal(await ask('look', {}, { hostname: 'no.example' }), '401 WrongProof')
  for (let i = 0; i < 16; i++) await ask('look', {}, wrong)
  assert.equal(await ask('look', {}, { ip: '10.0.0.9' }), '429 RateLimitExceeded')
  assert.equal(await ask('look'), 'held 1 5000')
})

test('secrets that are too short, missing or double are refused without being told', () => {
  const log = silentLog
  const outside = { now: () => 0 }
  for (const leaseSecrets of [
    ['pds.example'],
    ['pds.example=short-one'],
    [`a.example=${SECRET}`, `A.example=${SECRET}`],
  ]) {
    assert.throws(
      () => createWitness(witnessConfig.with({ leaseSecrets }), { sql, outside, log, version: '' }),
      (error: Error) =>
        /lease secret/.test(error.message) && !/short-one|two hosts/.test(error.message),
    )
  }
})
