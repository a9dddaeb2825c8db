import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { blobsConformance } from './blobs.conformance.ts'
import { openS3Blobs } from './blobs-s3.ts'
import type { Blobs } from './contracts.ts'
import { S3Client } from './s3-client.ts'
import { openTestS3, type S3Fault, type TestS3 } from './s3-server.test-support.ts'
import { sha256Hex, signS3 } from './s3-signature.ts'

const keys = { accessKeyId: 'AKIATEST', secretAccessKey: 'a secret/of+ours', region: 'eu-test-1' }
const bucket = 'blobs-of-ours'
const code = (name: string) => ({ code: name })

async function openOn(
  s3: TestS3,
  directory: string,
  extra: Partial<typeof keys> = {},
): Promise<Blobs> {
  return openS3Blobs({
    ...keys,
    ...extra,
    bucket,
    endpoint: s3.endpoint,
    pathStyle: true,
    prefix: 'some/place/',
    waitingDirectory: directory,
    random: () => 0,
    triesMax: 4,
  })
}

blobsConformance('an S3-speaking server', async () => {
  const s3 = await openTestS3(keys, bucket)
  const directory = await mkdtemp(join(tmpdir(), 'falaj-s3-'))
  return {
    open: () => openOn(s3, directory),
    async drop() {
      await s3.close()
      await rm(directory, { recursive: true })
    },
  }
})

test('signatures are those of the published examples', () => {
  const example = {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    region: 'us-east-1',
  }
  for (const [path, headers, signature] of [
    [
      '/test.txt',
      { range: 'bytes=0-9' },
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ],
    ['/?lifecycle', {}, 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
    [
      '/?max-keys=2&prefix=J',
      {},
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    ],
  ] as const) {
    const { authorization } = signS3(
      {
        method: 'GET',
        url: new URL(path, 'https://examplebucket.s3.amazonaws.com'),
        headers,
        bodyHash: sha256Hex(''),
        timeMs: Date.UTC(2013, 4, 24),
      },
      example,
    )
    assert.ok(authorization!.endsWith(`Signature=${signature}`), path)
    assert.ok(!authorization!.includes(example.secretAccessKey))
  }
})

test('the bucket is in the host name, or in the path where that is asked for', async () => {
  const asked: string[] = []
  const fetch = async (url: string | URL | Request) => {
    asked.push(String(url))
    return new Response('')
  }
  const request = { method: 'GET', key: 'a:b/c=1' } as const
  const options = { ...keys, bucket, fetch: fetch as typeof globalThis.fetch }
  await new S3Client(options).send(request)
  await new S3Client({ ...options, endpoint: 'https://s3.example:9000' }).send(request)
  await new S3Client({ ...options, endpoint: 'http://10.0.0.1/gate', pathStyle: true }).send(
    request,
  )
  assert.deepEqual(asked, [
    `https://${bucket}.s3.eu-test-1.amazonaws.com/a%3Ab/c%3D1`,
    `https://${bucket}.s3.example:9000/a%3Ab/c%3D1`,
    `http://10.0.0.1/gate/${bucket}/a%3Ab/c%3D1`,
  ])
})

describe('blobs in S3 and faults', () => {
  let s3: TestS3
  let blobs: Blobs
  let directory: string
  let faults: [RegExp, S3Fault][]

  beforeEach(async () => {
    faults = []
    s3 = await openTestS3(keys, bucket, (request) => {
      const at = faults.findIndex(([pattern]) => pattern.test(request))
      return at < 0 ? undefined : faults.splice(at, 1)[0]![1]
    })
    directory = await mkdtemp(join(tmpdir(), 'falaj-s3-'))
    await writeFile(join(directory, 'left.part'), 'of an earlier process')
    blobs = await openOn(s3, directory)
  })
  afterEach(async () => {
    await s3.close()
    await rm(directory, { recursive: true })
  })

  const large = () => Buffer.alloc(20_000_000, 'of many parts, ')
  async function put(key: string, bytes: Uint8Array): Promise<void> {
    const staged = await blobs.stage(bytes)
    try {
      await staged.commit(key)
    } finally {
      await staged.discard()
    }
  }
  async function read(key: string): Promise<Buffer> {
    const parts: Uint8Array[] = []
    for await (const chunk of (await blobs.get(key))!.body) parts.push(chunk)
    return Buffer.concat(parts)
  }
  const many = (count: number, pattern: RegExp, fault: S3Fault) => {
    for (let n = 0; n < count; n++) faults.push([pattern, fault])
  }
  const slowDown = { status: 503, code: 'SlowDown' }

  test('what an earlier process left waiting is removed', async () => {
    assert.deepEqual(await readdir(directory), [])
  })

  test('a large blob comes in parts and is one object; nothing waits afterwards', async () => {
    await put('a/large', large())
    assert.equal(s3.requests.filter((one) => /PUT .* partNumber/.test(one)).length, 3)
    assert.ok((await read('a/large')).equals(large()))
    assert.deepEqual([...s3.objects.keys()], ['some/place/a/large'])
    assert.equal(s3.uploads.size, 0)
    assert.deepEqual(await readdir(directory), [])
  })

  test('a service that is busy or breaks off is asked again, and the bytes are whole', async () => {
    many(1, /PUT .*partNumber/, slowDown)
    many(1, /PUT .*partNumber/, 'cut before')
    many(1, /PUT .*partNumber/, 'cut after')
    many(1, /POST .*uploads/, { status: 500, code: 'InternalError' })
    many(1, /POST .*uploadId/, slowDown)
    await put('a/large', large())
    assert.ok((await read('a/large')).equals(large()))
    many(2, /PUT some.place.a.small/, 'cut after')
    many(1, /PUT some.place.a.small/, { status: 429, code: 'TooManyRequests' })
    await put('a/small', Buffer.from('small'))
    many(1, /GET some.place.a.small/, slowDown)
    assert.equal(String(await read('a/small')), 'small')
    many(1, /DELETE/, 'cut after')
    await blobs.delete(['a/small'])
    assert.equal(await blobs.has('a/small'), false)
  })

  test('parts put together by an answer that got lost count as put together', async () => {
    many(1, /POST .*uploadId/, 'cut after')
    await put('a/large', large())
    assert.ok((await read('a/large')).equals(large()))
  })

  test('a tag that is not the part’s is refused, and the upload given up', async () => {
    many(1, /PUT .*partNumber/, 'wrong tag')
    await assert.rejects(put('a/large', large()), code('Unavailable'))
    assert.equal(await blobs.has('a/large'), false)
    assert.equal(s3.uploads.size, 0)
    assert.deepEqual(await readdir(directory), [])
    await put('a/large', large())
  })

  test('a service that stays away is told as such, and the upload can be tried again', async () => {
    const staged = await blobs.stage(Buffer.from('patient'))
    many(4, /PUT/, slowDown)
    await assert.rejects(staged.commit('a/p'), { code: 'Unavailable', message: /503 SlowDown/ })
    await staged.commit('a/p')
    assert.equal(String(await read('a/p')), 'patient')
    many(8, /HEAD/, 'cut before')
    await assert.rejects(blobs.has('a/p'), code('Unavailable'))
    await assert.rejects(blobs.sync(['a/p']), code('Unavailable'))
    await blobs.sync(['a/p'])
  })

  test('an answer that breaks off in the middle is not taken for the whole', async () => {
    await put('a/b', large().subarray(0, 5_000_000))
    many(1, /GET/, 'cut body')
    await assert.rejects(read('a/b'))
  })

  test('a refusal is not asked again, and says nothing of the secret', async () => {
    const stranger = await openOn(s3, directory, { secretAccessKey: 'not the secret' })
    const before = s3.requests.length
    const staged = await stranger.stage(Buffer.from('x'))
    await assert.rejects(staged.commit('a/x'), (error: Error) => {
      assert.match(error.message, /SignatureDoesNotMatch/)
      assert.doesNotMatch(`${error.message} ${error.stack} ${JSON.stringify(error)}`, /secret/)
      return true
    })
    assert.equal(s3.requests.length, before + 1)
    assert.equal(s3.objects.size, 0)
  })
})
