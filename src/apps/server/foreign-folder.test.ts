import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { refuseForeignFolders } from './foreign-folder.ts'

const root = mkdtempSync(join(tmpdir(), 'falaj-foreign-'))
after(() => rmSync(root, { recursive: true }))

test('a host is not begun inside the data of the reference PDS, nor keeps its blobs there', () => {
  const own = join(root, 'own', 'pds')
  const theirs = join(root, 'blocks')
  refuseForeignFolders([own, theirs, undefined])
  writeFileSync(join(root, 'sequencer.sqlite'), '')
  refuseForeignFolders([own, undefined])
  assert.throws(
    () => refuseForeignFolders([own, theirs]),
    /blocks lies in the data.*falaj pds adopt/,
  )
})
