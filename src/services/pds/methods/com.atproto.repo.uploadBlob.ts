import { ComAtprotoRepoUploadBlob } from '@atcute/atproto'
import { cidText } from '#protocol/data'
import { mediaType, procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { uploadRates } from '../rates.ts'

/**
 * Takes in a blob; private until a record refers to it. Its type is what its bytes say it is. A
 * service may bring one in the owner's name (a video, made ready elsewhere). Errors:
 * PayloadTooLarge (413), BlobQuotaExceeded.
 */
export const uploadBlob = ({ blobs, callers }: Pick<Pds, 'blobs' | 'callers'>) =>
  procedure(ComAtprotoRepoUploadBlob.mainSchema, {
    auth: callers.accountOrService({
      deactivated: true,
      app: (permissions, { headers }) =>
        permissions.requireBlob(mediaType(headers['content-type']) ?? 'application/octet-stream'),
    }),
    limits: { bodyBytes: blobs.bytesMax, rates: uploadRates },
    async handle({ input, caller, request }) {
      const isPacked = request.headers['content-encoding'] !== undefined
      const { cid, mimeType, size } = await blobs.upload(caller.account, input.body, {
        mimeType: input.encoding || 'application/octet-stream',
        ...(!isPacked && { bytes: input.sizeHint }),
      })
      // What it is counts, not what it was called; unmentioned, it goes again.
      caller.permissions?.requireBlob(mimeType)
      return { blob: { $type: 'blob' as const, ref: { $link: cidText(cid) }, mimeType, size } }
    },
  })
