import { createHash, createHmac } from 'node:crypto'

/** Who signs, and for which region. */
export interface S3Keys {
  accessKeyId: string
  secretAccessKey: string
  region: string
}

/** SHA-256 of bytes in hex, as S3 wants it beside the request. */
export const sha256Hex = (bytes: Uint8Array | string) =>
  createHash('sha256').update(bytes).digest('hex')

/**
 * The headers of a request with its signature of version 4. `headers` are in lower case and all signed;
 * `bodyHash` is the SHA-256 of the body, which the server checks. The path is already encoded.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function signS3(
  request: {
    method: string
    url: URL
    headers: Readonly<Record<string, string>>
    bodyHash: string
    timeMs: number
  },
  keys: S3Keys,
): Record<string, string> {
  const { method, url, bodyHash, timeMs } = request
  const time = new Date(timeMs).toISOString().replace(/[:-]|\.\d+/g, '')
  const headers: Record<string, string> = {
    ...request.headers,
    host: url.host,
    'x-amz-content-sha256': bodyHash,
    'x-amz-date': time,
  }
  const names = Object.keys(headers).sort()
  const signed = names.join(';')
  const lines = names.map((name) => `${name}:${headers[name]!.trim()}\n`).join('')
  const asked = [method, url.pathname, canonicalQuery(url), lines, signed, bodyHash].join('\n')
  const scope = `${time.slice(0, 8)}/${keys.region}/s3/aws4_request`
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256Hex(asked)].join('\n')
  const signature = hmac(signingKey(keys, time.slice(0, 8)), text).toString('hex')
  const credential = `${keys.accessKeyId}/${scope}`
  const { host: _, ...sent } = headers
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential},SignedHeaders=${signed},Signature=${signature}`,
  }
}

const hmac = (key: Uint8Array | string, text: string) =>
  createHmac('sha256', key).update(text).digest()

function signingKey({ secretAccessKey, region }: S3Keys, day: string): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, day), region), 's3'), 'aws4_request')
}

function canonicalQuery(url: URL): string {
  return [...url.searchParams]
    .map(([name, value]) => `${encodeS3(name)}=${encodeS3(value)}`)
    .sort()
    .join('&')
}

/** Percent-encodes everything but what RFC 3986 calls unreserved. */
export function encodeS3(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
