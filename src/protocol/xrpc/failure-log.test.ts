import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureLog, XrpcError } from './index.ts'

test('what failed for want of somebody else is a warning, what failed here an error with its cause', () => {
  const told: [level: string, error: unknown][] = []
  const report = failureLog({
    warn: (_, { error }) => void told.push(['warn', error]),
    error: (_, { error }) => void told.push(['error', error]),
  })
  const cause = new Error('a bug')
  const ours = new XrpcError(500, 'InternalServerError', 'x', { cause })
  const theirs = new XrpcError(502, 'UpstreamFailure', 'No answer from host.test')
  for (const error of [ours, theirs]) report({ nsid: 'a.b.c', requestId: 'r1', error })
  assert.deepEqual(told, [
    ['error', cause],
    ['warn', theirs],
  ])
})
