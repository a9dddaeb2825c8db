/** As much of S3 as blobs need, over HTTP and in memory, with faults. Checks signatures and hashes of bodies. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type S3Keys, sha256Hex, signS3 } from './s3-signature.ts'

/**
 * What goes wrong with a request: an answer, a connection that is cut before or after the work is done, or an entity
 * tag that is not the part's.
 */
export type S3Fault =
  | { status: number; code: string }
  | 'cut before'
  | 'cut after'
  | 'cut body'
  | 'wrong tag'

export interface TestS3 {
  endpoint: string
  objects: Map<string, Buffer>
  /** Uploads in parts that were begun and neither ended nor given up. */
  uploads: Map<string, Map<number, Buffer>>
  /** `METHOD key` of each request that came, with the name of its first parameter. */
  requests: string[]
  close(): Promise<void>
}

export async function openTestS3(
  keys: S3Keys,
  bucket: string,
  decide: (request: string) => S3Fault | undefined = () => undefined,
): Promise<TestS3> {
  const objects = new Map<string, Buffer>()
  const uploads = new Map<string, Map<number, Buffer>>()
  const requests: string[] = []
  const server = createServer((message, response) => void answer(message, response))

  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of message) parts.push(part)
    const body = Buffer.concat(parts)
    const url = new URL(message.url!, `http://${message.headers.host}`)
    const key = decodeURIComponent(url.pathname).slice(`/${bucket}/`.length)
    const request = `${message.method} ${key} ${[...url.searchParams.keys()][0] ?? ''}`.trim()
    requests.push(request)
    const fault = decide(request)
    if (fault === 'cut before') return void message.socket.destroy()
    if (typeof fault === 'object') return end(response, fault.status, error(fault.code))
    const refusal = checked(message, url, body)
    if (refusal) return end(response, 403, error(refusal))
    const outcome = work(message, url, key, body)
    if (fault === 'cut after') return void message.socket.destroy()
    if (fault === 'wrong tag') outcome.headers = { etag: '"00000000000000000000000000000000"' }
    if (fault === 'cut body' && outcome.body) {
      response.writeHead(outcome.status, { 'content-length': outcome.body.length })
      response.write(outcome.body.subarray(0, outcome.body.length >> 1), () =>
        message.socket.destroy(),
      )
      return
    }
    end(response, outcome.status, outcome.body, outcome.headers, message.method === 'HEAD')
  }

  /** The request was signed by whom it says, for this body. */
  function checked({ method, headers }: IncomingMessage, url: URL, body: Buffer) {
    const bodyHash = String(headers['x-amz-content-sha256'])
    if (bodyHash !== sha256Hex(body)) return 'XAmzContentSHA256Mismatch'
    const signed = /SignedHeaders=([^,]*)/.exec(headers.authorization ?? '')?.[1]?.split(';') ?? []
    const named = Object.fromEntries(signed.map((name) => [name, String(headers[name])]))
    const time = String(headers['x-amz-date']).replace(
      /(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/,
      '$1-$2-$3T$4:$5:$6Z',
    )
    const again = { method: method!, url, headers: named, bodyHash, timeMs: Date.parse(time) }
    return signS3(again, keys).authorization === headers.authorization
      ? undefined
      : 'SignatureDoesNotMatch'
  }

  function work(
    { method, headers }: IncomingMessage,
    url: URL,
    key: string,
    body: Buffer,
  ): Outcome {
    const query = url.searchParams
    const uploadId = query.get('uploadId')
    if (method === 'GET' && key === '') return list(query)
    if (method === 'POST' && query.has('uploads')) {
      const id = `upload-${requests.length}`
      uploads.set(id, new Map())
      return xml(
        200,
        `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      )
    }
    if (uploadId !== null)
      return inParts(method!, key, uploadId, Number(query.get('partNumber')), body)
    if (method === 'PUT') {
      objects.set(key, body)
      return { status: 200, headers: { etag: tag(body) } }
    }
    const object = objects.get(key)
    if (method === 'DELETE') {
      objects.delete(key)
      return { status: 204 }
    }
    if (!object) return xml(404, '<Error><Code>NoSuchKey</Code></Error>')
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
    if (from === undefined) return { status: 200, body: object }
    return { status: 206, body: object.subarray(Number(from), Number(to) + 1) }
  }

  function inParts(method: string, key: string, id: string, number: number, body: Buffer): Outcome {
    const upload = uploads.get(id)
    if (!upload) return xml(404, '<Error><Code>NoSuchUpload</Code></Error>')
    if (method === 'PUT') {
      upload.set(number, body)
      return { status: 200, headers: { etag: tag(body) } }
    }
    if (method === 'POST') {
      const named = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]*)</g)]
      const isSound = named.every(
        ([, n, etag], index) =>
          Number(n) === index + 1 &&
          tag(upload.get(index + 1)!) === etag!.replaceAll('&quot;', '"'),
      )
      if (!isSound || named.length !== upload.size)
        return xml(400, '<Error><Code>InvalidPart</Code></Error>')
      objects.set(key, Buffer.concat(named.map(([, n]) => upload.get(Number(n))!)))
    }
    uploads.delete(id)
    return xml(200, '<CompleteMultipartUploadResult></CompleteMultipartUploadResult>')
  }

  /** Three a page, so that pages are turned. */
  function list(query: URLSearchParams): Outcome {
    const prefix = query.get('prefix') ?? ''
    const after = query.get('continuation-token') ?? ''
    const found = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort()
    const page = found.slice(0, 3)
    const more =
      found.length > 3 ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
    const contents = page.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('')
    return xml(
      200,
      `<ListBucketResult><IsTruncated>${more !== ''}</IsTruncated>${more}${contents}</ListBucketResult>`,
    )
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    objects,
    uploads,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface Outcome {
  status: number
  body?: Buffer
  headers?: Record<string, string>
}

const tag = (body: Buffer) => `"${createHash('md5').update(body).digest('hex')}"`
const xml = (status: number, text: string): Outcome => ({ status, body: Buffer.from(text) })
const error = (code: string) => Buffer.from(`<Error><Code>${code}</Code></Error>`)

function end(
  response: ServerResponse,
  status: number,
  body: Buffer = Buffer.alloc(0),
  headers: Record<string, string> = {},
  isHead = false,
): void {
  if (status !== 204) response.setHeader('content-length', body.length)
  response.writeHead(status, headers)
  response.end(isHead ? undefined : body)
}
