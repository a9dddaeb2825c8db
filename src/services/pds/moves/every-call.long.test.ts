/** Either host dies at every single call of a move, and its owner gives up at every one of them. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { EveryCall } from './every-call.test-support.ts'

for (const identity of ['plc', 'web'] as const) {
  describe(`a move of a did:${identity}, call by call`, () => {
    const world = new EveryCall()
    let calls: readonly string[] = []
    before(async () => {
      await world.open()
      calls = await world.count(identity)
      assert.ok(calls.length > 20, calls.join('\n'))
    })
    after(() => world.close())

    for (const dying of ['new', 'old'] as const) {
      test(`goes on when the ${dying} host dies at whichever of them`, async (t) => {
        for (let at = 0; at < calls.length; at++) {
          const died = await world.killAt(identity, at, dying)
          t.diagnostic(`${at}: ${died}`)
        }
      })
    }

    test('leaves no trace when its owner gives up, until the identity changes', async (t) => {
      let late = 0
      for (let at = 0; at < calls.length; at++) {
        const isGivenUp = await world.giveUpAt(identity, at)
        t.diagnostic(`${at}: ${calls[at]}: ${isGivenUp ? 'given up' : 'too late'}`)
        if (!isGivenUp) late++
        else assert.equal(late, 0, 'once it is too late, it stays so')
      }
      assert.ok(late > 0 && late < calls.length, `${late} of ${calls.length} too late`)
    })
  })
}
