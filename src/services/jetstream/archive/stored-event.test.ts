import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Entry } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import { eventsOf, StoredEvent, storeEvent } from './stored-event.ts'

const did: Did = 'did:plc:alice'
const collection = fc.constantFrom(undefined, 'app.bsky.feed.post', `a.b.${'c'.repeat(300)}`)

test('an event comes back as it was kept', () => {
  fc.assert(
    fc.property(
      collection,
      fc.jsonValue(),
      fc.maxSafeNat(),
      fc.maxSafeNat(),
      (name, value, timeUs, upstreamSeq) => {
        const rest = `"kind":"commit","commit":${JSON.stringify(value)}}`
        const payload = storeEvent({ did, collection: name, rest }, timeUs, upstreamSeq)
        const event = new StoredEvent({ key: did, payload })
        const json = `{"did":"${did}","time_us":${timeUs},${rest}`
        assert.deepEqual(
          [event.did, event.collection, event.timeUs, event.upstreamSeq, event.json],
          [did, name, timeUs, upstreamSeq, json],
        )
        assert.equal(event.jsonBytes, Buffer.byteLength(json))
      },
    ),
  )
})

test('a record larger than any before is kept whole', () => {
  const rest = `"text":"${'ع'.repeat(400_000)}"}`
  const event = new StoredEvent({
    key: did,
    payload: storeEvent({ did, collection: undefined, rest }, 1, 1),
  })
  assert.ok(event.json.endsWith(rest))
})

test('a batch is read once, and what was erased is not in it', () => {
  const payload = storeEvent({ did, collection: undefined, rest: '"kind":"x"}' }, 5, 6)
  const entry = { key: did, kind: 1, timeMs: 0, payload, blanked: false }
  const erased = { ...entry, payload: new Uint8Array(0), blanked: true }
  const batch: Entry[] = [
    { ...entry, seq: 1 },
    { ...erased, seq: 2 },
  ]
  const events = eventsOf(batch)
  assert.deepEqual(
    events.map(({ timeUs }) => timeUs),
    [5],
  )
  assert.equal(eventsOf(batch), events)
})
