import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WaitingEvents } from './waiting-events.ts'

const from = { url: 'https://pds.example', trusted: false }
const alice = 'did:plc:alice'
const bob = 'did:plc:bob'

test('what waits for a repository comes out in order, once', () => {
  const waiting = new WaitingEvents()
  for (let i = 0; i < 3; i++) assert.ok(waiting.add(alice, Uint8Array.of(i), from))
  waiting.add(bob, Uint8Array.of(9), from)
  const { events, overflown } = waiting.take(alice)
  assert.deepEqual(
    events.map(({ frame }) => frame[0]),
    [0, 1, 2],
  )
  assert.equal(overflown, false)
  assert.deepEqual(waiting.take(alice).events, [])
  assert.equal(waiting.bytes, 1)
})

test('a frame is copied: what it was part of may go', () => {
  const waiting = new WaitingEvents()
  const frame = Uint8Array.of(1)
  waiting.add(alice, frame, from)
  frame[0] = 2
  assert.equal(waiting.take(alice).events[0]!.frame[0], 1)
})

test('one repository may wait with so many events, and then gives them all up', () => {
  const waiting = new WaitingEvents()
  for (let i = 0; i < 200; i++) assert.ok(waiting.add(alice, new Uint8Array(10), from))
  assert.equal(waiting.add(alice, new Uint8Array(10), from), false)
  assert.equal(waiting.add(alice, new Uint8Array(10), from), false)
  assert.equal(waiting.bytes, 0)
  assert.deepEqual(waiting.take(alice), { events: [], bytes: 0, overflown: true })
  assert.ok(waiting.add(alice, new Uint8Array(10), from))
})

test('all together are bounded in bytes', () => {
  const waiting = new WaitingEvents()
  let count = 0
  for (let i = 0; i < 100; i++) {
    if (waiting.add(`did:plc:${i}`, new Uint8Array(2_000_000), from)) count++
  }
  assert.ok(waiting.bytes <= 64 * 1024 * 1024)
  assert.equal(count, 33)
})
