/** A labeler that says what it is told to, for the tests of this room. */
import assert from 'node:assert/strict'
import { generateKey, type SigningKey } from '#protocol/crypto'
import { type Label, type LabelClaim, signLabel } from '#protocol/label'
import type { Did } from '#protocol/syntax'
import { encodeFrame } from '#protocol/xrpc'
import { TestRelay, type World } from '../world.test-support.ts'

/** A labeler with its identity at the directory and its stream. */
export class TestLabeler {
  readonly did: Did
  key: SigningKey
  readonly stream = new TestRelay()
  readonly #world: World

  constructor(world: World, name: string) {
    this.#world = world
    this.did = `did:plc:${name.padEnd(24, '2')}` as Did
    this.key = generateKey('k256', world.outside.random)
    const origin = `http://${name}.test`
    world.serve(
      origin,
      () => ({ status: 404 }),
      (request) => this.stream.subscribe(request),
    )
    this.publish(origin)
  }

  publish(origin = `http://${this.did.slice(8).replace(/2+$/, '')}.test`): void {
    const controller = this.did
    const publicKeyMultibase = this.key.publicKey.multikey
    this.#world.documents.set(this.did, {
      id: this.did,
      alsoKnownAs: [],
      verificationMethod: [
        { id: `${this.did}#atproto_label`, type: 'Multikey', controller, publicKeyMultibase },
      ],
      service: [{ id: '#atproto_labeler', type: 'AtprotoLabeler', serviceEndpoint: origin }],
    })
  }

  claim(uri: string, val: string, more: Partial<LabelClaim> = {}): Label {
    const claim = { src: this.did, uri, val, cts: '2026-01-01T00:00:00.000Z', ...more }
    return signLabel(claim, this.key)
  }

  say(uri: string, val: string, more: Partial<LabelClaim> = {}): void {
    this.send(this.claim(uri, val, more))
  }

  send(...labels: unknown[]): void {
    this.stream.emit((seq) => encodeFrame('#labels', { seq, labels }))
  }
}

/** Waits until what a labeler sent was judged. */
export async function settleLabels(labeler: TestLabeler, of: World): Promise<void> {
  for (let turn = 0; turn < 2_000; turn++) {
    const row = await of.sql.get<{ cursor: number }>('select cursor from labeler where did = ?', [
      labeler.did,
    ])
    if (row?.cursor === labeler.stream.seq) return
    await of.outside.advance(0)
  }
  assert.fail('the labeler is not read')
}
