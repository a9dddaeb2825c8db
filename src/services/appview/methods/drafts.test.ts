import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { Nsid } from '#protocol/syntax'
import { type Person, World } from '../world.test-support.ts'

let world: World
let ann: Person
let ben: Person
beforeEach(async () => {
  world = await new World().start()
  ann = world.person('ann')
  ben = world.person('ben')
})
afterEach(() => world.close())

async function send(verb: string, input: object, as = ann) {
  const { status, body } = await world.post(`app.bsky.draft.${verb}` as Nsid, input, as)
  const answer = body === undefined || body === '' ? {} : JSON.parse(body as string)
  if (status === 200) await world.outside.advance(1)
  return answer as { id: string; error?: string }
}
const draftOf = (...texts: string[]) => ({ posts: texts.map((text) => ({ text })) })
/** Few letters of many bytes: 9 kB, of the 10 that a post of a draft may have. */
const LONG = '👩‍👩‍👧'.repeat(500)
const create = (...texts: string[]) => send('createDraft', { draft: draftOf(...texts) })
const page = (params: object = {}, as = ann) =>
  world.get('app.bsky.draft.getDrafts', params as never, as)
type View = {
  id: string
  draft: { posts: { text: string }[] }
  createdAt: string
  updatedAt: string
}
const firsts = ({ drafts }: { drafts: View[] }) => drafts.map(({ draft }) => draft.posts[0]!.text)

test('drafts are kept for their author, the last changed first', async () => {
  const { id } = await create('one')
  await create('two', 'and its answer')
  assert.deepEqual(firsts(await page()), ['two', 'one'])
  assert.equal((await page()).drafts[0].draft.posts.length, 2)
  await send('updateDraft', { draft: { id, draft: draftOf('one, better') } })
  const after = await page()
  assert.deepEqual(firsts(after), ['one, better', 'two'])
  assert.ok(after.drafts[0].createdAt < after.drafts[0].updatedAt)
  const first = await page({ limit: 1 })
  const rest = await page({ limit: 1, cursor: first.cursor })
  assert.deepEqual([...firsts(first), ...firsts(rest)], firsts(after))
  assert.deepEqual(firsts(await page({}, ben)), [])
})

test('a draft is deleted by its author alone, and what is not there is passed over', async () => {
  const { id } = await create('one')
  await send('deleteDraft', { id }, ben)
  await send('updateDraft', { draft: { id, draft: draftOf('by another') } }, ben)
  assert.deepEqual(firsts(await page()), ['one'])
  await send('deleteDraft', { id })
  assert.equal((await send('deleteDraft', { id })).error, undefined)
  assert.equal((await send('updateDraft', { draft: { id, draft: draftOf('x') } })).error, undefined)
  assert.deepEqual(firsts(await page()), [])
})

test('five hundred drafts are kept, and ten million bytes, and not more', async () => {
  const { id } = await create('kept')
  await world.sql.run(
    `with recursive n (i) as (select 1 union all select i + 1 from n where i < 499)
     insert into draft (aid, id, bytes, created_ms, updated_ms, body)
     select (select aid from draft), 'x' || i, 9, 0, 0, '{"posts":[]}' from n`,
  )
  assert.equal((await create('too many')).error, 'DraftLimitReached')
  assert.equal(
    (await send('updateDraft', { draft: { id, draft: draftOf('still') } })).error,
    undefined,
  )
  await send('deleteDraft', { id })
  assert.equal((await create('again')).error, undefined)
  await world.sql.run(`update draft set bytes = 10000000 where id = 'x1'`)
  const [last] = (await page({ limit: 1 })).drafts
  const longer = { id: last.id, draft: draftOf('longer') }
  assert.equal((await send('updateDraft', { draft: longer })).error, 'DraftLimitReached')
  assert.deepEqual(firsts(await page({ limit: 1 })), ['again'])
})

test('a page of long drafts ends early and goes on behind them', async () => {
  const long = Array<string>(50).fill(LONG)
  for (let i = 0; i < 6; i++) await create(`${i}`, ...long)
  const first = await page()
  assert.deepEqual(firsts(first), ['5', '4', '3', '2'])
  assert.deepEqual(firsts(await page({ cursor: first.cursor })), ['1', '0'])
})

test('what is no draft, or too long a one, is refused', async () => {
  assert.equal((await send('createDraft', { draft: { posts: [] } })).error, 'InvalidRequest')
  const huge = Array<string>(80).fill(LONG)
  assert.equal((await create(...huge)).error, 'InvalidRequest')
  assert.equal(await world.refused('app.bsky.draft.getDrafts'), 'AuthMissing')
  assert.equal(
    await world.refused('app.bsky.draft.getDrafts', { cursor: 'x' }, ann),
    'InvalidRequest',
  )
})
