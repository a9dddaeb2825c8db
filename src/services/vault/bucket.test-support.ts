/** A bucket in memory, as the real client of S3 speaks to one, with faults; and a world on it. */
import { memoryFiles, openS3Blobs } from '#platform/storage'
import { World } from './world.test-support.ts'

/** As much of S3 as a vault asks for. */
export class Bucket {
  readonly objects = new Map<string, Uint8Array>()
  /** Answers in the place of the bucket. */
  fault: ((method: string, key: string) => Response | undefined) | undefined

  readonly fetch = (async (target: string | URL, init: RequestInit = {}) => {
    const url = new URL(String(target))
    const key = decodeURIComponent(url.pathname.slice('/vault/'.length))
    const method = init.method ?? 'GET'
    const refused = this.fault?.(method, key)
    if (refused) return refused
    if (method === 'GET' && key === '') return this.#list(url.searchParams)
    if (method === 'PUT') {
      this.objects.set(key, new Uint8Array(init.body as Uint8Array<ArrayBuffer>))
      return new Response(null, { headers: { etag: '"one"' } })
    }
    const object = this.objects.get(key)
    if (method === 'DELETE')
      return new Response(null, { status: this.objects.delete(key) ? 204 : 404 })
    if (!object) return new Response('<Error><Code>NoSuchKey</Code></Error>', { status: 404 })
    const headers = { 'content-length': String(object.length) }
    return new Response(method === 'HEAD' ? null : object.slice(), { headers })
  }) as typeof fetch

  /** Two a page. */
  #list(query: URLSearchParams): Response {
    const [prefix, after] = [query.get('prefix') ?? '', query.get('continuation-token') ?? '']
    const found = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after)
    const page = found.sort().slice(0, 2)
    const isMore = found.length > page.length
    const more = isMore ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
    const keys = page.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('')
    return new Response(`<R><IsTruncated>${isMore}</IsTruncated>${more}${keys}</R>`)
  }
}

/** A world whose vault keeps packs and blobs in a bucket. */
export async function bucketWorld(config = {}) {
  const bucket = new Bucket()
  const world = new World({ drillEveryHours: 6, drillAccounts: 2, ...config })
  world.store = await openS3Blobs({
    ...{ bucket: 'vault', endpoint: 'http://bucket.test', pathStyle: true, region: 'here' },
    ...{ accessKeyId: 'us', secretAccessKey: 'of ours', waitingDirectory: '/waiting' },
    ...{ files: memoryFiles(), fetch: bucket.fetch, random: () => 0, triesMax: 2 },
  })
  return { world, bucket }
}
