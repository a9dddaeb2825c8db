import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { networkDirectory } from './directory.ts'
import { handTimers } from './fake-web.test-support.ts'
import { HostTurns } from './host-turns.ts'

/** Work that ends when it is told. */
function stalled() {
  const running: (() => void)[] = []
  const work = () => new Promise<void>((resolve) => running.push(resolve))
  return { running, work }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('questions to one host', () => {
  test('are sixteen at once, the others in their order as those are answered', async () => {
    const turns = new HostTurns()
    const { running, work } = stalled()
    const order: number[] = []
    const asked = Array.from({ length: 20 }, (_, i) =>
      turns.run('a.example', async () => {
        order.push(i)
        await work()
      }),
    )
    await turn()
    assert.equal(running.length, 16)
    running[3]!()
    await turn()
    assert.equal(running.length, 17)
    for (let i = 0; i < 20; i++) {
      running[i]!()
      await turn()
    }
    await Promise.all(asked)
    assert.deepEqual(
      order,
      Array.from({ length: 20 }, (_, i) => i),
    )
  })

  test('do not hold up other hosts, nor does one that fails keep its turn', async () => {
    const turns = new HostTurns(['https://plc.example'])
    const { running, work } = stalled()
    const slow = Array.from({ length: 16 }, () => turns.run('slow.example', work))
    assert.equal(await turns.run('quick.example', async () => 'answer'), 'answer')
    const many = Array.from({ length: 128 }, () => turns.run('plc.example', work))
    await turn()
    assert.equal(running.length, 16 + 128)
    const broken = turns.run('slow.example', () => Promise.reject(new Error('broken')))
    const last = turns.run('slow.example', async () => 'in turn')
    for (const done of running) done()
    await assert.rejects(broken, /broken/)
    assert.equal(await last, 'in turn')
    await Promise.all([...slow, ...many])
  })

  test('beyond a thousand that wait fail at once', async () => {
    const turns = new HostTurns()
    const { running, work } = stalled()
    const asked = Array.from({ length: 1_016 }, () => turns.run('a.example', work))
    await assert.rejects(turns.run('a.example', work), { name: 'UpstreamError', host: 'a.example' })
    for (let i = 0; i < asked.length; i++) {
      running[i]!()
      await turn()
    }
    await Promise.all(asked)
  })

  test('whose time passes while they wait are never asked', async () => {
    const timers = handTimers()
    const asked: string[] = []
    const directory = networkDirectory({
      plcUrl: 'https://plc.example',
      resolveTxt: async () => [],
      timers,
      fetch: (url) => {
        asked.push(url)
        return new Promise<Response>(() => {})
      },
    })
    const lookups = Array.from({ length: 20 }, () => directory.document('did:web:slow.example'))
    await turn()
    assert.equal(asked.length, 16)
    timers.fire()
    for (const lookup of lookups) await assert.rejects(lookup, { code: 'UpstreamTimeout' })
  })
})
