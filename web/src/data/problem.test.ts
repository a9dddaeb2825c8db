import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { problemOf } from './problem.ts'
import { CallError } from './xrpc.ts'

const kind = (status: number, error: string, message = '') =>
  problemOf(new CallError({ status, error, message, host: 'h' })).kind

describe('what went wrong', () => {
  const cases: [string, ReturnType<typeof kind>, string][] = [
    ['no connection', kind(0, 'Offline'), 'offline'],
    ['no answer', kind(0, 'Unreachable'), 'unreachable'],
    ['no answer in time', kind(0, 'Timeout'), 'unreachable'],
    ['the view behind the host is down', kind(502, 'UpstreamFailure'), 'upstream'],
    ['too many calls', kind(429, 'RateLimitExceeded'), 'limited'],
    ['a token that has run out', kind(400, 'ExpiredToken'), 'signedOut'],
    ['no token', kind(401, 'AuthMissing'), 'signedOut'],
    ['no such record', kind(400, 'RecordNotFound'), 'absent'],
    ['no such profile, in words', kind(400, 'InvalidRequest', 'Profile not found'), 'absent'],
    ['bad input', kind(400, 'InvalidRequest', 'text is too long'), 'refused'],
    ['their bug', kind(500, 'InternalServerError'), 'broken'],
  ]
  for (const [name, actual, expected] of cases) {
    it(`sorts "${name}" under ${expected}`, () => assert.equal(actual, expected))
  }

  it('knows errors of the protocol floor by their fields', () => {
    const upstream = Object.assign(new Error('x'), { status: 401, error: 'AuthenticationRequired' })
    assert.equal(problemOf(upstream).kind, 'signedOut')
    const silent = Object.assign(new Error('x'), { status: 502, error: 'UpstreamFailure' })
    assert.equal(problemOf(silent).kind, 'unreachable')
    const refused = Object.assign(new Error('x'), { code: 'CannotMove' })
    assert.equal(problemOf(refused).kind, 'refused')
  })

  it('takes anything else for our fault and keeps what it said', () => {
    assert.deepEqual(problemOf(new TypeError('oops')), {
      kind: 'broken',
      host: '',
      detail: 'TypeError: oops',
    })
    assert.equal(problemOf('text').kind, 'broken')
  })
})
