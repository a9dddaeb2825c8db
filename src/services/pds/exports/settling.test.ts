import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { readCar } from '#protocol/data'
import { Tree } from '#protocol/repo'
import type { Account } from '../accounts/index.ts'
import { Exports } from './exports.ts'

const tree = Tree.empty()
const [[data, node]] = [...tree.blocks()] as [[Uint8Array, Uint8Array]]
const head = { rev: '3l3qo2vutsw2b', commit: data, data, bytes: new Uint8Array([1]) }
const account = { did: 'did:plc:a', generation: 1 } as unknown as Account

/** Exports over a file whose tree is not stored before `isSettled` says so. */
function exportsUntil(isSettled: () => boolean) {
  const file = {
    head: () => head,
    nodesRoot: () => (isSettled() ? data : undefined),
    nodes: { get: () => node },
    record: () => undefined,
  }
  const hot = {
    peek: () => undefined,
    use: async (_did: string, work: (repo: object) => void) => work({}),
    storeTree: () => {},
  }
  const files = { open: () => file }
  return new Exports({ files, hot, sleep: (ms: number) => sleep(ms) } as never)
}

test('an export waits for a half applied change where the event loop can finish it', async () => {
  let isSettled = false
  // Only the event loop brings it: waiting in promises alone would wait for ever.
  setTimeout(() => {
    isSettled = true
  }, 20)
  const car = await exportsUntil(() => isSettled).proof(account, 'com.example.note/1')
  assert.deepEqual(readCar(car).roots, [data])
})

test('an export of what never settles is refused, not hung', async () => {
  const never = exportsUntil(() => false).proof(account, 'com.example.note/1')
  await assert.rejects(never, { error: 'NotEnoughResources', status: 503 })
})
