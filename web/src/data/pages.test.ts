import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { makePages, type Page } from './pages.ts'

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('a list that comes in pages', () => {
  it('loads the first page once, then the next ones until the end', async () => {
    const asked: (string | undefined)[] = []
    const pages = makePages<number>(async (cursor): Promise<Page<number>> => {
      asked.push(cursor)
      const from = Number(cursor ?? 0)
      return { items: numbers(from, 3), cursor: from === 6 ? undefined : String(from + 3) }
    }, String)
    pages.start()
    pages.start()
    await turn()
    assert.deepEqual(pages.items.value, [0, 1, 2])
    pages.more()
    pages.more()
    await turn()
    pages.more()
    await turn()
    assert.deepEqual(pages.items.value, numbers(0, 9))
    assert.equal(pages.state.value, 'end')
    pages.more()
    await turn()
    assert.deepEqual(asked, [undefined, '3', '6'])
  })

  it('drops items that come twice', async () => {
    const pages = makePages<number>(
      async (cursor) => (cursor ? { items: [2, 3] } : { items: [1, 2], cursor: 'x' }),
      String,
    )
    pages.start()
    await turn()
    pages.more()
    await turn()
    assert.deepEqual(pages.items.value, [1, 2, 3])
  })

  it('keeps what it has when a further page fails, and goes on from there', async () => {
    let fails = true
    const pages = makePages<number>(async (cursor) => {
      if (cursor && fails) throw new Error('down')
      return cursor ? { items: [2] } : { items: [1], cursor: 'x' }
    }, String)
    pages.start()
    await turn()
    pages.more()
    await turn()
    assert.equal(pages.problem.value?.kind, 'broken')
    assert.deepEqual(pages.items.value, [1])
    fails = false
    pages.more()
    await turn()
    assert.deepEqual(pages.items.value, [1, 2])
    assert.equal(pages.problem.value, undefined)
  })

  it('lets only the last reload win', async () => {
    const waiting: ((items: number[]) => void)[] = []
    const pages = makePages<number>(
      () => new Promise((resolve) => waiting.push((items) => resolve({ items }))),
      String,
    )
    const first = pages.reload()
    const second = pages.reload()
    waiting[1]!([2])
    waiting[0]!([1])
    await Promise.all([first, second])
    assert.deepEqual(pages.items.value, [2])
  })

  it('puts new items in front, once', async () => {
    const pages = makePages<number>(async () => ({ items: [1] }), String)
    await pages.reload()
    pages.prepend(2)
    pages.prepend(2)
    assert.deepEqual(pages.items.value, [2, 1])
    pages.remove('1')
    assert.deepEqual(pages.items.value, [2])
  })
})
