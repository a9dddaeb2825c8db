import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpRequest, HttpResponse } from '#platform/runtime'
import { lateService } from './late-service.ts'

const request = {} as HttpRequest

test('before it is attached, a service says who is starting, and asks to come back', async () => {
  const late = lateService('pds')
  for (const answer of [late.handle(request), late.subscribe!(request)]) {
    const response = (await answer) as HttpResponse
    assert.equal(response.status, 503)
    assert.equal(response.headers?.['retry-after'], '1')
    assert.match(String(response.body), /"NotEnoughResources".*pds is starting/)
  }
})

test('afterwards it is that service', async () => {
  const late = lateService('pds')
  late.attach({
    name: 'pds',
    loops: [],
    handle: () => ({ status: 299 }),
    tooSlowFrame: 'slow',
    close: async () => {},
  })
  assert.deepEqual(await late.handle(request), { status: 299 })
  assert.deepEqual(late.subscribe!(request), { status: 404 })
  assert.equal(late.tooSlowFrame, 'slow')
})
