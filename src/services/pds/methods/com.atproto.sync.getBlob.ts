import { ComAtprotoSyncGetBlob } from '@atcute/atproto'
import { parseCid } from '#protocol/data'
import { query, XrpcError } from '#protocol/xrpc'
import { isMediaType } from '../blobs/index.ts'
import type { Pds } from '../parts.ts'
import { takedownKey } from '../takedowns/index.ts'
import { requireReadable } from './open-repo.ts'

/** Bytes that came from strangers: never run, never sniffed, never shown in place. */
const INERT = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
}
/** A CID's bytes never change; that they are public may, so that copies elsewhere are good for an hour. */
const PUBLIC = 'public, max-age=3600, immutable'
const PRIVATE = 'private, no-store'

/** One blob that a record of the account refers to; whole, or the range asked for. Errors: BlobNotFound. */
export const getBlob = ({
  accounts,
  blobs,
  callers,
  files,
  takedowns,
}: Pick<Pds, 'accounts' | 'blobs' | 'callers' | 'files' | 'takedowns'>) =>
  query(ComAtprotoSyncGetBlob.mainSchema, {
    auth: callers.reader(),
    async handle({ params, caller, request: { headers: asked } }) {
      const account = await accounts.require(params.did)
      requireReadable(account, caller)
      const { did, status, generation } = account
      const cid = parseCid(params.cid)
      const file = files.open(did, generation)
      const isDown = takedowns.has(takedownKey({ did, cid: params.cid }))
      const row = !isDown && file.blobs.isReferenced(cid) ? file.blobs.get(cid) : undefined
      if (!row) throw notFound()
      const encoding = isMediaType(row.mimeType) ? row.mimeType : 'application/octet-stream'
      const etag = `"${params.cid}"`
      const headers = {
        ...INERT,
        'content-disposition': `attachment; filename="${params.cid}"`,
        'cache-control': status === 'active' ? PUBLIC : PRIVATE,
        'accept-ranges': 'bytes',
        etag,
      }
      if (names(asked['if-none-match'], etag)) return { status: 304, encoding, body: '', headers }
      const part = isFor(asked['if-range'], etag) ? readRange(asked.range, row.size) : undefined
      const found = await blobs.read(did, cid, part)
      if (!found) throw notFound()
      const { body } = found
      if (!part) {
        return { encoding, body, headers: { ...headers, 'content-length': String(found.size) } }
      }
      const ranged = {
        'content-length': String(part.end - part.start),
        'content-range': `bytes ${part.start}-${part.end - 1}/${found.size}`,
      }
      return { status: 206, encoding, body, headers: { ...headers, ...ranged } }
    },
  })

const notFound = () => new XrpcError(400, 'BlobNotFound', 'Blob not found')

/** Whether a list of entity tags has this one. */
function names(list: string | undefined, etag: string): boolean {
  if (list === undefined) return false
  return list
    .split(',')
    .some((one) => one.trim().replace(/^W\//, '') === etag || one.trim() === '*')
}

/** A range may be for a certain version only. */
const isFor = (ifRange: string | undefined, etag: string) =>
  ifRange === undefined || ifRange === etag

/**
 * The one range of bytes that a header asks for; undefined for everything else, which is then
 * answered whole (RFC 9110, 14.2). Throws 416 when it lies behind the end.
 */
export function readRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? []
  if (first === '' && last === '') return undefined
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(Number(last) + 1, size)
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined
  if (start < end) return { start, end }
  const headers = { 'content-range': `bytes */${size}` }
  throw new XrpcError(416, 'RangeNotSatisfiable', `The blob has ${size} bytes`, { headers })
}
