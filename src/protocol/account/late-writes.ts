/** What was written at the old host at the last moment, brought by somebody who is neither host. */
import { ComAtprotoRepoApplyWrites, ComAtprotoSyncGetRepo } from '@atcute/atproto'
import { parseDidKey } from '#protocol/crypto'
import { blobRefs, cidText, decodeCbor } from '#protocol/data'
import { verifyRepoCar } from '#protocol/repo'
import type { Did } from '#protocol/syntax'
import type { XrpcClient } from '#protocol/xrpc'
import { copyBlob, type Hosts } from './copy.ts'
import type { HostedHead } from './head.ts'
import type { LateWrites, WriteConflict } from './move-state.ts'

/** Both repositories pass through memory; a larger one is left as it is, and said so by the caller. */
const REPO_BYTES_MAX = 500_000_000
/** Writes of one call, as the reference takes them. */
const WRITES_AT_ONCE = 100
const CONFLICTS_NAMED = 1_000

interface Held {
  cid: string
  bytes: Uint8Array
}

/**
 * Compares both repositories by path and writes at the new host what is new at the old one, record keys
 * kept and blobs first. Where nothing was written at the new host since the switch, changes and deletions
 * are brought too; else what differs at both stays as it is there, and is named. The old host's commit is
 * checked against `sourceKey`, where that is known.
 */
export async function bringLateWrites(
  hosts: Hosts,
  { switched, sourceKey }: { switched: HostedHead; sourceKey: string | undefined },
): Promise<LateWrites> {
  const { did, source, destination } = hosts
  const there = await readHeld(source, did, sourceKey)
  const here = await readHeld(destination, did, undefined)
  const isUntouched = cidText(here.data) === switched.data
  const writes: { path: string; held: Held | undefined; isThere: boolean }[] = []
  const conflicts: WriteConflict[] = []
  for (const [path, held] of there.records) {
    const own = here.records.get(path)
    if (own?.cid === held.cid) continue
    if (!own || isUntouched) writes.push({ path, held, isThere: own !== undefined })
    else conflicts.push({ path, here: own.cid, there: held.cid })
  }
  for (const path of isUntouched ? here.records.keys() : []) {
    if (!there.records.has(path)) writes.push({ path, held: undefined, isThere: true })
  }
  for (const { held } of writes) {
    if (!held) continue
    for (const { cid } of blobRefs(decodeCbor(held.bytes))) await copyBlob(hosts, cidText(cid))
  }
  for (let at = 0; at < writes.length; at += WRITES_AT_ONCE) {
    const some = writes.slice(at, at + WRITES_AT_ONCE).map(operationOf)
    const input = { repo: did, writes: some, validate: false }
    await destination.post(ComAtprotoRepoApplyWrites.mainSchema, input as never)
  }
  return {
    head: there.head,
    records: writes.length + conflicts.length,
    conflicts: conflicts.slice(0, CONFLICTS_NAMED),
    conflictCount: conflicts.length,
  }
}

async function readHeld(host: XrpcClient, did: Did, key: string | undefined) {
  const schema = ComAtprotoSyncGetRepo.mainSchema
  const car = await host.getBytes(schema, { did }, { maxBytes: REPO_BYTES_MAX })
  const { head, records } = verifyRepoCar(car, {
    did,
    ...(key !== undefined && { keys: [parseDidKey(key)] }),
  })
  const byPath = new Map<string, Held>()
  for (const { path, cid, bytes } of records) byPath.set(path, { cid: cidText(cid), bytes })
  const { rev, commit, data } = head
  const hosted: HostedHead = { rev, commit: cidText(commit), data: cidText(data) }
  return { head: hosted, data, records: byPath }
}

function operationOf({
  path,
  held,
  isThere,
}: {
  path: string
  held: Held | undefined
  isThere: boolean
}) {
  const [collection, rkey] = path.split('/')
  const type = `com.atproto.repo.applyWrites#${held ? (isThere ? 'update' : 'create') : 'delete'}`
  // As JSON: links and bytes in their own form.
  const value = held && (JSON.parse(JSON.stringify(decodeCbor(held.bytes))) as unknown)
  return { $type: type, collection, rkey, ...(held && { value }) }
}
