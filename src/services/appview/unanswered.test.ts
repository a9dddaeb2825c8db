import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { methodSchema } from '#protocol/lexicon'
import type { Nsid } from '#protocol/syntax'
import { methods } from './methods.ts'
import type { ReadParts } from './parts.ts'
import { elsewhere, notApplicable, toCome } from './unanswered.fixture.ts'

/** Groups of the app's lexicons that are about what an app view shows or keeps. */
const GROUPS =
  'actor ageassurance bookmark contact draft embed feed graph labeler notification richtext unspecced video'.split(
    ' ',
  )

/** Every query and procedure of the lexicons in force. */
async function lexiconMethods(): Promise<Nsid[]> {
  const index = createRequire(import.meta.url).resolve('@atcute/bluesky')
  const folder = join(dirname(index), 'lexicons/types/app/bsky')
  const found: Nsid[] = []
  assert.deepEqual(readdirSync(folder).sort(), GROUPS, 'every group of lexicons is known')
  for (const group of GROUPS)
    for (const file of readdirSync(join(folder, group))) {
      if (!file.endsWith('.js')) continue
      const nsid = `app.bsky.${group}.${file.slice(0, -3)}` as Nsid
      if ((await methodSchema(nsid)) !== undefined) found.push(nsid)
    }
  return found
}

const reasons = { ...elsewhere, ...notApplicable, ...toCome }

test('every method of the lexicons is answered, or a reason is written why not', async () => {
  const parts = new Proxy({}, { get: () => ({}) }) as ReadParts
  const answered = new Set(methods(parts).map(({ nsid }) => nsid as Nsid))
  const known = await lexiconMethods()
  assert.ok(known.length > 110, `${known.length} methods`)
  const without = known.filter((nsid) => !answered.has(nsid) && !reasons[nsid])
  assert.deepEqual(without, [], 'neither answered nor given a reason')
  const both = known.filter((nsid) => answered.has(nsid) && reasons[nsid])
  assert.deepEqual(both, [], 'answered, and given a reason why not')
  const unknown = Object.keys(reasons).filter((nsid) => !known.includes(nsid as Nsid))
  assert.deepEqual(unknown, [], 'reasons for methods that no lexicon has')
})

test('a method has one reason, and it says something', () => {
  const all = [elsewhere, notApplicable, toCome].flatMap((list) => Object.entries(list))
  assert.equal(all.length, Object.keys(reasons).length)
  for (const [nsid, reason = ''] of all) assert.match(reason, /^[a-z'].{3,}$/, nsid)
})
