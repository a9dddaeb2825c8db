import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Scene, type Writer } from '../scene.test-support.ts'

const METHOD = 'app.bsky.unspecced.searchActorsSkeleton'

describe('searchActorsSkeleton', () => {
  let scene: Scene
  let alice: Writer

  before(async () => {
    scene = await new Scene().start()
    alice = scene.writer('alice')
    alice.profile({ displayName: 'أليس العُمانية', description: 'Keeper of the falaj of Nizwa' })
    const alicia = scene.writer('alicia')
    alicia.profile({ displayName: 'Alicia Müller' })
    const salim = scene.writer('salim')
    salim.profile({ displayName: 'سالم بن أحمد الفلاحي', description: 'alice is my friend' })
    scene.writer('silent').post('never said who I am')
    scene.writer('nizwa').profile({ displayName: 'مدينة نزوى' })
    await scene.settle()
  })
  after(() => scene.close())

  const FOUND: readonly [q: string, typeahead: boolean, ...handles: string[]][] = [
    ['alice', false, 'alice.test', 'salim.test'],
    ['ALICE.test', false, 'alice.test'],
    ['@alice.test', false, 'alice.test'],
    ['عمانية', false, 'alice.test'],
    ['العمانيه', false, 'alice.test'],
    ['أليس نزوى', false],
    ['أليس nizwa', false, 'alice.test'],
    ['muller', false, 'alicia.test'],
    ['احمد سالم', false, 'salim.test'],
    ['silent', false, 'silent.test'],
    ['نزوي', false, 'nizwa.test'],
    ['nizwa', false, 'nizwa.test', 'alice.test'],
    ['ali', false],
    ['nobody', false],
    ['ali', true, 'alice.test', 'alicia.test'],
    ['alic', true, 'alice.test', 'alicia.test'],
    ['alice', true, 'alice.test'],
    ['alice.te', true, 'alice.test'],
    ['@ali', true, 'alice.test', 'alicia.test'],
    ['Müll', true, 'alicia.test'],
    ['alicia mu', true, 'alicia.test'],
    ['سا', true, 'salim.test'],
    ['سالم الف', true, 'salim.test'],
    ['الفلا', true, 'salim.test'],
    ['فلاح', true, 'salim.test'],
    ['s', true, 'salim.test', 'silent.test'],
    ['keeper', true],
    ['"', true],
    ['* OR', false],
    ['!', false],
  ]
  for (const [q, typeahead, ...handles] of FOUND) {
    test(`«${q}»${typeahead ? ', being typed,' : ''} finds ${handles.join(', ') || 'nobody'}`, async () => {
      assert.deepEqual(await scene.actors(q, { typeahead }), handles)
    })
  }

  test('pages follow each other', async () => {
    const first = await scene.get(METHOD, { q: 'ali', typeahead: true, limit: 1 })
    assert.deepEqual(first, { actors: [{ did: alice.did }], cursor: '1', hitsTotal: 2 })
    const second = await scene.actors('ali', { typeahead: true, limit: 1, cursor: first.cursor })
    assert.deepEqual(second, ['alicia.test'])
    assert.deepEqual(await scene.actors('ali', { typeahead: true, cursor: '999999' }), [])
    for (const cursor of ['x', '-1', '1.5', '9999999'])
      assert.equal(await scene.refused(METHOD, { q: 'ali', cursor }), 'InvalidRequest')
  })

  test('queries have limits', async () => {
    assert.equal(await scene.refused(METHOD, { q: 'a'.repeat(1_001) }), 'BadQueryString')
    assert.equal(await scene.refused(METHOD, { q: 'a '.repeat(40) }), 'BadQueryString')
  })

  test('a profile that changes is found by what it says now', async () => {
    alice.profile({ displayName: 'Nobody Special' })
    await scene.settle()
    assert.deepEqual(await scene.actors('عمانية'), [])
    assert.deepEqual(await scene.actors('special'), ['alice.test'])
    alice.delete(`at://${alice.did}/app.bsky.actor.profile/self`)
    await scene.settle()
    assert.deepEqual(await scene.actors('special'), [])
    assert.deepEqual(await scene.actors('alice'), ['alice.test', 'salim.test'])
  })
})
