import { standbyGetBlob } from '#protocol/account'
import { parseCid } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import { query, XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireStandby, standbyAuth } from '../standby/index.ts'

/** A blob, whether a record mentions it or not. Errors: BlobNotFound. */
export const standbyGetBlobMethod = ({
  blobs,
  standby,
  standbySecret,
}: Pick<Pds, 'blobs' | 'standby' | 'standbySecret'>) =>
  query(standbyGetBlob, {
    auth: standbyAuth(standbySecret),
    async handle({ params }) {
      requireStandby(standby)
      const found = await blobs.read(params.did as Did, parseCid(params.cid))
      if (!found) throw new XrpcError(400, 'BlobNotFound', 'Blob not found')
      const headers = { 'content-length': String(found.size) }
      return { encoding: 'application/octet-stream', body: found.body, headers }
    },
  })
