import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { assertBlobKey, assertBlobPrefix } from './blob-keys.ts'
import { type BlobRange, type Blobs, type Staged, StorageError } from './contracts.ts'
import { isMissing, isNoSpace } from './errors.ts'
import { type Files, nodeFiles, type OpenFile } from './files.ts'
import { S3Client, type S3Options } from './s3-client.ts'

export interface S3BlobsOptions extends S3Options {
  /** Before every key, such as `blobs/`. */
  prefix?: string
  /** Where uploads wait for their last byte, on this machine. What is left there by an earlier process is removed. */
  waitingDirectory: string
  files?: Files
}

/** An object of more than this is put in parts of this size; S3 wants at least 5 MiB and takes 10,000 of them. */
const partBytes = 8 * 1024 * 1024
/** Parts of one object under way at once. */
const partsAtOnce = 2
/** Deletions of one call under way at once. */
const deletionsAtOnce = 8

/**
 * Blobs in a bucket. Bytes wait in a file of this machine until the last has come: an upload that breaks off never
 * reaches the bucket, and a part that fails is sent again. `commit` resolves when the service has acknowledged the
 * object, which is what durable means there.
 */
export async function openS3Blobs(options: S3BlobsOptions): Promise<Blobs> {
  const { files = nodeFiles, waitingDirectory } = options
  await files.makeDirectory(waitingDirectory)
  for (const name of await files.list(waitingDirectory)) {
    if (name.endsWith('.part')) await files.remove(join(waitingDirectory, name))
  }
  return new S3Blobs(options, files)
}

class S3Blobs implements Blobs {
  readonly #client: S3Client
  readonly #prefix: string
  readonly #waiting: string
  readonly #files: Files

  constructor(options: S3BlobsOptions, files: Files) {
    this.#client = new S3Client(options)
    this.#prefix = options.prefix ?? ''
    this.#waiting = options.waitingDirectory
    this.#files = files
  }

  async stage(
    source: AsyncIterable<Uint8Array> | Uint8Array,
    limits: { maxBytes?: number } = {},
  ): Promise<Staged> {
    const waiting = new Waiting(this.#files, join(this.#waiting, `${randomUUID()}.part`))
    try {
      let size = 0
      for await (const chunk of source instanceof Uint8Array ? [source] : source) {
        size += chunk.length
        if (size > (limits.maxBytes ?? Number.POSITIVE_INFINITY)) {
          throw new StorageError('TooLarge', `more than ${limits.maxBytes} bytes`)
        }
        await waiting.add(chunk)
      }
      return this.#staged(waiting)
    } catch (error) {
      await waiting.drop()
      if (isNoSpace(error)) throw new StorageError('NoSpace', 'the disk is full', { cause: error })
      throw error
    }
  }

  #staged(waiting: Waiting): Staged {
    let isSettled = false
    return {
      size: waiting.size,
      commit: async (key) => {
        assertBlobKey(key)
        if (isSettled) throw new StorageError('InvalidArgument', 'this blob was already settled')
        if (waiting.size <= partBytes) await this.#put(key, await waiting.part(0, waiting.size))
        else await this.#putInParts(key, waiting)
        isSettled = true
        await waiting.drop()
      },
      discard: async () => {
        if (isSettled) return
        isSettled = true
        await waiting.drop()
      },
    }
  }

  async #put(key: string, body: Uint8Array): Promise<void> {
    await drain(await this.#client.send({ method: 'PUT', key: this.#name(key), body }))
  }

  async #putInParts(key: string, waiting: Waiting): Promise<void> {
    const name = this.#name(key)
    const begun = await this.#client.send({ method: 'POST', key: name, query: { uploads: '' } })
    const uploadId = element(await begun.text(), 'UploadId')
    if (!uploadId) throw new StorageError('Unavailable', 'S3 began an upload without naming it')
    try {
      const starts: number[] = []
      for (let at = 0; at < waiting.size; at += partBytes) starts.push(at)
      const tags: string[] = []
      await atOnce(partsAtOnce, starts.entries(), async ([index, start]) => {
        const body = await waiting.part(start, Math.min(start + partBytes, waiting.size))
        const query = { partNumber: String(index + 1), uploadId }
        const put = await this.#client.send({ method: 'PUT', key: name, query, body })
        await drain(put)
        tags[index] = put.headers.get('etag') ?? ''
      })
      await this.#complete(name, uploadId, tags, waiting.size)
    } catch (error) {
      const query = { uploadId }
      const expected = [404]
      await this.#client
        .send({ method: 'DELETE', key: name, query, expected })
        .then(drain, () => {})
      throw error
    }
  }

  /** The answer comes with 200 before the outcome is known: what counts is in its body, and in the bucket. */
  async #complete(key: string, uploadId: string, tags: string[], size: number): Promise<void> {
    const parts = tags.map(
      (tag, index) =>
        `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escaped(tag)}</ETag></Part>`,
    )
    const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`)
    // Asked twice, the second may find that the first did it.
    const expected = [404]
    const done = await this.#client.send({
      method: 'POST',
      key,
      query: { uploadId },
      body,
      expected,
    })
    const text = await done.text()
    if (done.ok && text.includes('CompleteMultipartUploadResult')) return
    if ((await this.#sizeOf(key)) === size) return
    const why = element(text, 'Code') ?? 'no result'
    throw new StorageError('Unavailable', `S3 did not put the parts together: ${why}`)
  }

  async #sizeOf(name: string): Promise<number | undefined> {
    const head = await this.#client.send({ method: 'HEAD', key: name, expected: [404] })
    return head.ok ? Number(head.headers.get('content-length')) : undefined
  }

  /** What was committed is durable; this asks whether it is still there. */
  async sync(keys: readonly string[]): Promise<void> {
    await atOnce(deletionsAtOnce, new Set(keys), async (key) => {
      if (!(await this.has(key))) throw new StorageError('NotFound', `there is no blob ${key}`)
    })
  }

  async get(key: string, range?: BlobRange) {
    assertBlobKey(key)
    const name = this.#name(key)
    if (!range) return this.#whole(name)
    const size = await this.#sizeOf(name)
    if (size === undefined) return undefined
    const start = Math.min(Math.max(0, range.start), size)
    const end = Math.min(Math.max(start, range.end ?? size), size)
    if (start === end) return { size, body: nothing() }
    const headers = { range: `bytes=${start}-${end - 1}` }
    const part = await this.#client.send({ method: 'GET', key: name, headers, expected: [404] })
    if (part.status === 404) return undefined
    return { size, body: bodyOf(name, part, end - start) }
  }

  async #whole(name: string) {
    const found = await this.#client.send({ method: 'GET', key: name, expected: [404] })
    if (!found.ok) {
      await drain(found)
      return undefined
    }
    const size = Number(found.headers.get('content-length'))
    return { size, body: bodyOf(name, found, size) }
  }

  async has(key: string): Promise<boolean> {
    assertBlobKey(key)
    return (await this.#sizeOf(this.#name(key))) !== undefined
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) assertBlobKey(key)
    await atOnce(deletionsAtOnce, keys, async (key) => {
      await drain(
        await this.#client.send({ method: 'DELETE', key: this.#name(key), expected: [404] }),
      )
    })
  }

  async *list(prefix: string): AsyncIterable<string> {
    assertBlobPrefix(prefix)
    let token: string | undefined
    do {
      const query = {
        'list-type': '2',
        prefix: this.#prefix + prefix,
        ...(token && { 'continuation-token': token }),
      }
      const text = await (await this.#client.send({ method: 'GET', key: '', query })).text()
      for (const [, key] of text.matchAll(/<Key>([^<]*)<\/Key>/g)) {
        yield key!.slice(this.#prefix.length)
      }
      const isMore = element(text, 'IsTruncated') === 'true'
      token = isMore ? element(text, 'NextContinuationToken') : undefined
    } while (token)
  }

  #name(key: string): string {
    return this.#prefix + key
  }
}

/** Bytes of an upload until it is committed: small ones in memory, the rest in a file. */
class Waiting {
  readonly #files: Files
  readonly #path: string
  #file: OpenFile | undefined
  #pieces: Uint8Array[] = []
  #held = 0
  size = 0

  constructor(files: Files, path: string) {
    this.#files = files
    this.#path = path
  }

  async add(chunk: Uint8Array & Partial<Disposable>): Promise<void> {
    this.#pieces.push(chunk)
    this.#held += chunk.length
    this.size += chunk.length
    if (this.#held < memoryBytes && this.#pieces.length < piecesMax) return
    this.#file ??= await this.#files.open(this.#path, 'w+')
    const [pieces, at] = [this.#pieces, this.size - this.#held]
    const count = await this.#file.writeAll(pieces, at)
    if (count < this.#held) throw new StorageError('NoSpace', 'the disk took only a part')
    for (const piece of pieces as (Uint8Array & Partial<Disposable>)[]) piece[Symbol.dispose]?.()
    this.#pieces = []
    this.#held = 0
  }

  /** The bytes from `start` to `end`, copied together. */
  async part(start: number, end: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(end - start)
    const onDisk = this.size - this.#held
    if (start < onDisk) {
      const count = Math.min(end, onDisk) - start
      const read = await this.#file!.read(bytes.subarray(0, count), start)
      if (read < count) throw new StorageError('Corrupt', 'a waiting upload was cut short')
    }
    let at = onDisk
    for (const piece of this.#pieces) {
      const from = Math.max(0, start - at)
      const part = piece.subarray(from, Math.max(from, end - at))
      if (part.length > 0) bytes.set(part, at + from - start)
      at += piece.length
    }
    return bytes
  }

  async drop(): Promise<void> {
    this.#pieces = []
    const file = this.#file
    this.#file = undefined
    if (!file) return
    await file.close()
    await this.#files.remove(this.#path).catch((error) => {
      if (!isMissing(error)) throw error
    })
  }
}

/** In memory for one upload; what is more goes to the file. */
const memoryBytes = 1024 * 1024
const piecesMax = 512

async function* nothing(): AsyncIterable<Uint8Array> {}

/** The chunks of an answer; told when the connection gave fewer bytes than it had promised. */
function bodyOf(name: string, { body }: Response, bytes: number): AsyncIterable<Uint8Array> {
  const reader = body?.getReader()
  let left = bytes
  const end = { done: true as const, value: undefined }
  const chunks: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => chunks,
    async next() {
      const result = await reader?.read()
      if (!result || result.done) {
        if (left > 0) throw new StorageError('Corrupt', `S3 sent too little of ${name}`)
        return end
      }
      left -= result.value.length
      return { done: false, value: result.value }
    },
    async return() {
      await reader?.cancel().catch(() => {})
      return end
    },
  }
  return chunks
}

/** Frees the connection. */
async function drain(response: Response): Promise<void> {
  await response.arrayBuffer()
}

/** Runs `work` for each, so many at once; the first failure is thrown when all under way have ended. */
async function atOnce<T>(
  count: number,
  items: Iterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]()
  let failure: { error: unknown } | undefined
  const worker = async () => {
    for (let next = rest.next(); !next.done && !failure; next = rest.next()) {
      await work(next.value).catch((error) => {
        failure ??= { error }
      })
    }
  }
  await Promise.all(Array.from({ length: count }, worker))
  if (failure) throw failure.error
}

function element(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]
  return text?.replace(/&(quot|amp|lt|gt|#34);/g, (_, entity) => ENTITIES[entity]!)
}

const ENTITIES: Readonly<Record<string, string>> = {
  quot: '"',
  '#34': '"',
  amp: '&',
  lt: '<',
  gt: '>',
}

const escaped = (text: string) =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;')
