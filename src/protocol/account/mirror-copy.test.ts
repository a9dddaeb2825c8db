import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { cidForRaw } from '#protocol/crypto'
import { cidText } from '#protocol/data'
import { verifyRepoCar } from '#protocol/repo'
import { FakeHosts, FROM, refused, repoOf, TO } from './fake-hosts.test-support.ts'
import { mirrorCopy } from './mirror-copy.ts'

const GET_REPO = 'com.atproto.sync.getRepo'
const GET_BLOB = 'com.atproto.sync.getBlob'
const PICTURE = new Uint8Array(2_000).fill(3)
const CID = cidText(cidForRaw(PICTURE))

let hosts: FakeHosts
beforeEach(() => {
  hosts = new FakeHosts()
})

const look = () => mirrorCopy({ mirrors: [FROM, TO], did: hosts.did, fetch: hosts.fetch })

async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test('of several mirrors the one that has the most is taken, and files from whichever has them', async () => {
  const [old, newer] = [0, 1].map((at) => repoOf(hosts.did, hosts.key, 3 + at, 1.7e12 + at * 1_000))
  hosts.on(FROM, GET_REPO, () => ({ bytes: old!.car }))
  hosts.on(TO, GET_REPO, () => ({ bytes: newer!.car }))
  hosts.on(FROM, GET_BLOB, () => ({ bytes: PICTURE }))
  hosts.on(TO, GET_BLOB, () => refused(400, 'BlobNotFound'))
  const copy = await look()
  assert.deepEqual([copy.source, copy.rev, copy.refused], [TO, newer!.head.rev, []])
  assert.equal(verifyRepoCar(await bytesOf(copy.repo())).records.length, 4)
  assert.deepEqual(new Uint8Array((await copy.blob(CID))!), PICTURE)
})

test('a mirror that has none, or is away, is named and passed over', async () => {
  hosts.on(FROM, GET_REPO, () => refused(400, 'RepoNotFound'))
  hosts.on(TO, GET_REPO, () => ({ bytes: repoOf(hosts.did, hosts.key, 2).car }))
  for (const host of [FROM, TO]) hosts.on(host, GET_BLOB, () => refused(400, 'BlobNotFound'))
  const copy = await look()
  assert.equal(copy.source, TO)
  assert.deepEqual(
    copy.refused.map(({ source }) => source),
    [FROM],
  )
  assert.equal(await copy.blob(CID), undefined)
})

test('with no copy anywhere it says who was asked, before anything is done', async () => {
  for (const host of [FROM, TO]) hosts.on(host, GET_REPO, () => refused(503, 'Down'))
  await assert.rejects(look(), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'CannotRecover')
    return error.message.includes(FROM) && error.message.includes(TO)
  })
})
