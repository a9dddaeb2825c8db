import { ComAtprotoSyncGetBlob } from '@atcute/atproto'
import { parseCid } from '#protocol/data'
import { query, XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { takedownKey } from '../takedowns/index.ts'
import { requireReadable } from './open-repo.ts'

/** Bytes that came from strangers: never run, never sniffed, never shown in place. */
const INERT = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
  'content-disposition': 'attachment',
}

/** One blob that a record of the account refers to. Errors: BlobNotFound. */
export const getBlob = ({
  accounts,
  blobs,
  callers,
  files,
  takedowns,
}: Pick<Pds, 'accounts' | 'blobs' | 'callers' | 'files' | 'takedowns'>) =>
  query(ComAtprotoSyncGetBlob.mainSchema, {
    auth: callers.reader(),
    async handle({ params, caller }) {
      const account = await accounts.require(params.did)
      requireReadable(account, caller)
      const cid = parseCid(params.cid)
      const file = files.open(account.did, account.generation)
      const row = file.isReferenced(cid) ? file.blob(cid) : undefined
      const found = row && (await blobs.read(account.did, cid))
      const isDown = takedowns.has(takedownKey({ did: account.did, cid: params.cid }))
      if (!row || !found || isDown) throw new XrpcError(400, 'BlobNotFound', 'Blob not found')
      return {
        encoding: row.mimeType,
        body: found.body,
        headers: { ...INERT, 'content-length': String(found.size) },
      }
    },
  })
