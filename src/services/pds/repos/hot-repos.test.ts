import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { sealer } from '#platform/runtime'
import { AccountFiles } from '../account-files/index.ts'
import { Accounts } from '../accounts/index.ts'
import { SEALING_KEY, TestHost } from '../testing/host.test-support.ts'
import { HotRepos } from './hot-repos.ts'
import { TreeEdits } from './tree-edits.ts'

const host = await TestHost.open()
after(() => host.close())

test('nodes that were read from files are let go beyond a bound, and the tree stays what it is', async () => {
  const { did, accessJwt } = await host.signUp('alice')
  const writes = Array.from({ length: 200 }, (_, n) => ({
    $type: 'com.atproto.repo.applyWrites#create',
    collection: 'com.example.note',
    rkey: `note-${n}`,
    value: { $type: 'com.example.note', n },
  }))
  await host.post('com.atproto.repo.applyWrites', { repo: did, validate: false, writes }, accessJwt)
  await host.checkpoint()

  const files = new AccountFiles({
    directory: join(host.copy(), 'accounts'),
    openMax: 4,
    closing: () => true,
    opened() {},
    damaged: (_did, _generation, error) => error,
    requireReadable() {},
  })
  const accounts = new Accounts({
    sql: host.sql,
    sealer: sealer(SEALING_KEY),
    now: host.outside.now,
    onDeleted: async () => {},
  })
  const edits = new TreeEdits()
  const recover = async () => {}
  const hot = new HotRepos({ accounts, files, recover, edits, nodeBytesMax: 2_000 })
  const state = await hot.use(did, (repo) => repo.state!)
  assert.equal([...state.tree.entries()].length, 200)

  const later = await hot.use(did, (repo) => repo.state!)
  assert.notEqual(later.tree, state.tree)
  assert.deepEqual(later.head, state.head)
  assert.deepEqual(later.tree.root(), state.tree.root())
  const again = await hot.use(did, (repo) => repo.state!)
  assert.equal(again.tree, later.tree, 'nothing was read meanwhile')
  assert.deepEqual([...again.tree.entries()], [...state.tree.entries()])
  files.close()
})
