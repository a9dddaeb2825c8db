import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Fetch, OutgoingError } from '#platform/runtime'
import { generateKey } from '#protocol/crypto'
import type { Directory } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import type { HttpRequest } from '#protocol/xrpc'
import type { AccountCaller } from '../sign-in/index.ts'
import { ServiceProxy } from './proxy.ts'

const view = { did: 'did:web:view.example' as Did, url: 'http://view.example:8080' }
const did = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' as Did

function forward(fetch: Fetch) {
  const account = { did, signingKey: generateKey('k256') }
  const proxy = new ServiceProxy({
    authorize: () => ({ account, did }) as unknown as AccountCaller,
    directory: {} as Directory,
    fetch,
    target: () => view,
    now: () => 1_700_000_000_000,
    random: (count) => new Uint8Array(count),
  })
  const nsid = 'app.bsky.feed.getTimeline'
  const request = { method: 'GET', path: `/xrpc/${nsid}`, query: '', headers: {} }
  return proxy.forward(request as unknown as HttpRequest, nsid)
}

test('a service that is not there is named, at once', async () => {
  const away = new OutgoingError('Unreachable', 'view.example:8080', 'ECONNREFUSED')
  await assert.rejects(
    forward(() => Promise.reject(away)),
    { status: 502, error: 'UpstreamFailure', message: 'No answer from view.example:8080' },
  )
})

test('a service that is there and silent is given up, and named', async () => {
  let limits: { timeoutMs?: number; headersTimeoutMs?: number } = {}
  const silent: Fetch = (_url, init) => {
    limits = init ?? {}
    return Promise.reject(new OutgoingError('Timeout', 'view.example:8080', 'no answer'))
  }
  await assert.rejects(forward(silent), {
    status: 504,
    error: 'UpstreamTimeout',
    message: 'No answer from view.example:8080 in time',
  })
  assert.ok(limits.headersTimeoutMs! < limits.timeoutMs!)
})
