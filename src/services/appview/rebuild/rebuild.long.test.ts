/** Histories (FALAJ_HISTORIES, 5) from FALAJ_SEED on, whose index is made anew in their middle. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compare } from '../model/compare.test-support.ts'
import { History } from '../model/history.test-support.ts'
import { TestFiles } from '../world.test-support.ts'

const HISTORIES = Number(process.env.FALAJ_HISTORIES ?? 5)
const FIRST = Number(process.env.FALAJ_SEED ?? (Date.now() % 100_000) * 1_000)

test('made anew while people write and read, an index answers as before, and the old file goes', async () => {
  for (let seed = FIRST; seed < FIRST + HISTORIES; seed++)
    await remake(seed).catch((error) => {
      throw new Error(`FALAJ_SEED=${seed}`, { cause: error })
    })
})

async function remake(seed: number): Promise<void> {
  const files = new TestFiles()
  const history = new History({ seed, isLossy: false, files, more: { adminPassword: 'secret' } })
  const { world } = history
  const goOn = async (acts: number) => {
    for (let i = 0; i < acts; i++) await history.act()
    history.deliver()
  }
  await world.start()
  history.introduce()
  await goOn(120)
  await world.settle()
  for (let i = 0; i < 4; i++) await history.decide()
  await compare(history)
  const before = files.current
  const did = world.appview.did
  const response = await world.fetch('/xrpc/app.falaj.appview.rebuild', {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from('admin:secret').toString('base64')}`,
      'content-type': 'application/json',
    },
    body: new TextEncoder().encode('{"action":"start"}'),
  })
  assert.equal(response.status, 200)
  for (let round = 0; files.current === before || files.names().length > 1; round++) {
    assert.ok(round < 2_000)
    if (round < 10) await goOn(8)
    if (round < 10) await history.decide()
    await world.outside.advance(40)
  }
  await world.settle()
  assert.equal(world.appview.did, did)
  await compare(history)
  await goOn(40)
  await world.settle()
  await compare(history)
  await world.stop()
  await world.start()
  await world.settle()
  await compare(history)
  await world.close()
}
