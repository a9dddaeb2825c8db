import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPostgres } from '../engine.test-support.ts'
import { everyRead } from './every-read.test-support.ts'

const skip = isPostgres && 'reads plans as SQLite tells them'

test('no read looks through a whole table, and none sorts what an index has in order', {
  skip,
}, async () => {
  const { world, asked, all } = await everyRead()
  assert.ok(asked.size > 25, `${asked.size} queries`)
  for (const [sql, params] of asked) {
    const steps = await all(`explain query plan ${sql}`, params)
    const plan = (steps as { detail: string }[]).map(({ detail }) => detail)
    // Lists of parameters and the union of a few short lists are gone through, tables are not.
    const scans = plan.filter((step) =>
      /^SCAN (?!.*(VALUES|CONSTANT|\(subquery|(w|p|part)$))/.test(step),
    )
    assert.deepEqual(scans, [], sql)
    const isMerge = sql.includes('w cross join feed_item')
    const sorts = plan.filter((step) => step.includes('TEMP B-TREE'))
    const maySort = isMerge || sql.includes('(parent_aid, parent_rkey) in')
    assert.ok(maySort || sorts.length === 0, `${sql}\n${plan.join('\n')}`)
  }
  await world.close()
})
