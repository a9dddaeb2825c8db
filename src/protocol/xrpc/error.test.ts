import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UpstreamError } from '#protocol/identity'
import { ProtocolError } from '#protocol/syntax'
import {
  authRequired,
  errorName,
  errorResponse,
  invalidRequest,
  toXrpcError,
  XrpcError,
} from './index.ts'

test('an error carries status, name, message, headers and a cause that stays inside', () => {
  const cause = new Error('why')
  const error = new XrpcError(503, 'NotEnoughResources', 'later', {
    headers: { 'retry-after': '1' },
    cause,
  })
  assert.ok(error instanceof Error)
  assert.equal(error.cause, cause)
  const answer = errorResponse(error)
  assert.equal(answer.status, 503)
  assert.equal(answer.headers?.['retry-after'], '1')
  assert.equal(answer.body, '{"error":"NotEnoughResources","message":"later"}')
})

test('a message left out is the name', () => {
  assert.equal(new XrpcError(400, 'RepoNotFound').message, 'RepoNotFound')
})

test('the two commonest errors have a short form', () => {
  const { status, error } = invalidRequest('bad')
  assert.deepEqual([status, error], [400, 'InvalidRequest'])
  const required = authRequired('sign in')
  assert.deepEqual([required.status, required.error], [401, 'AuthenticationRequired'])
  assert.equal(authRequired('sign in', 'AuthMissing').error, 'AuthMissing')
})

test('whatever is thrown becomes an error with a status', () => {
  const own = new XrpcError(409, 'X')
  assert.equal(toXrpcError(own), own)
  const callers = toXrpcError(new ProtocolError('InvalidDid', 'not a did'))
  assert.deepEqual(
    [callers.status, callers.error, callers.message],
    [400, 'InvalidDid', 'not a did'],
  )
  for (const thrown of [new TypeError('x'), 'text', undefined, null, { status: 400 }]) {
    const ours = toXrpcError(thrown)
    assert.deepEqual([ours.status, ours.error], [500, 'InternalServerError'])
    assert.equal(ours.cause, thrown)
  }
})

test('an upstream that failed is named, and is not our fault', () => {
  for (const [code, status] of [
    ['UpstreamFailure', 502],
    ['UpstreamTimeout', 504],
  ] as const) {
    const thrown = new UpstreamError(code, 'plc.example', 'plc.example: no answer')
    const error = toXrpcError(thrown)
    assert.deepEqual([error.status, error.error], [status, code])
    assert.match(error.message, /plc\.example/)
    assert.equal(error.cause, thrown)
  }
})

test('the message of a 500 is never shown, whoever made it', () => {
  const answer = errorResponse(new XrpcError(500, 'InternalServerError', 'table users is gone'))
  assert.doesNotMatch(String(answer.body), /users/)
})

test('every status has a name', () => {
  assert.equal(errorName(404), 'NotFound')
  assert.equal(errorName(418), 'InvalidRequest')
  assert.equal(errorName(599), 'UpstreamFailure')
})
