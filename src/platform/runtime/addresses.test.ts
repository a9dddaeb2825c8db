import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressGuard, checkLiteral, guardedLookup } from './addresses.ts'
import { OutgoingError } from './outgoing-error.ts'

const PUBLIC = ['8.8.8.8', '1.1.1.1', '2606:4700:4700::1111', '::ffff:8.8.8.8']
const PRIVATE = [
  ...['127.0.0.1', '127.9.9.9', '10.0.0.1', '172.16.0.1', '192.168.1.1', '169.254.169.254'],
  ...['100.64.0.1', '::1', 'fc00::1', 'fe80::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1'],
]
const NEVER = ['0.0.0.0', '255.255.255.255', '224.0.0.1', '240.0.0.1', '::', 'ff02::1']

test('only public addresses are reached by default', () => {
  const allowed = addressGuard({})
  for (const address of PUBLIC) assert.ok(allowed(address), address)
  for (const address of [...PRIVATE, ...NEVER]) assert.ok(!allowed(address), address)
})

test('addresses that carry an IPv4 address inside are not a way around', () => {
  const allowed = addressGuard({})
  for (const address of ['64:ff9b::7f00:1', '2002:7f00:1::', '2001:0:7f00:1::'])
    assert.ok(!allowed(address), address)
})

test('private addresses are reached when allowed, but never those that are nobody', () => {
  const allowed = addressGuard({ allowPrivate: true })
  for (const address of [...PUBLIC, ...PRIVATE]) assert.ok(allowed(address), address)
  for (const address of NEVER) assert.ok(!allowed(address), address)
})

test('single networks can be allowed', () => {
  const allowed = addressGuard({ allowNetworks: ['10.1.0.0/16', 'fd00::/8'] })
  assert.ok(allowed('10.1.2.3'))
  assert.ok(allowed('fd12::1'))
  assert.ok(!allowed('10.2.0.1'))
  assert.ok(!allowed('127.0.0.1'))
  assert.throws(() => addressGuard({ allowNetworks: ['not a network'] }))
})

test('a literal address in a URL is judged, brackets or not; a name is left to the lookup', () => {
  const allowed = addressGuard({})
  checkLiteral('example.com', allowed)
  checkLiteral('[2606:4700:4700::1111]', allowed)
  for (const host of ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]'])
    assert.throws(() => checkLiteral(host, allowed), { code: 'ForbiddenAddress' })
})

test('no text is taken for an allowed address by accident', () => {
  const allowed = addressGuard({ allowPrivate: true })
  fc.assert(
    fc.property(fc.string(), (text) => {
      if (allowed(text)) assert.match(text, /^[0-9a-fx.:]+(%[\w.]+)?$/i)
    }),
  )
})

test('a name that only leads to forbidden addresses is refused at the connection', async () => {
  const lookup = guardedLookup(addressGuard({}))
  for (const all of [true, false]) {
    const error = await new Promise((resolve) => lookup('localhost', { all }, resolve))
    assert.ok(error instanceof OutgoingError)
    assert.equal(error.code, 'ForbiddenAddress')
  }
})
