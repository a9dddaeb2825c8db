import { XrpcError } from '#protocol/xrpc'
import { Damaged } from '../kept/index.ts'

/** A body whose first chunk is there: what is damaged from its beginning is answered, not cut off. */
export async function begun(
  chunks: AsyncGenerator<Uint8Array>,
): Promise<AsyncIterable<Uint8Array>> {
  const first = await chunks.next().catch((error) => {
    if (!(error instanceof Damaged)) throw error
    throw new XrpcError(500, 'Damaged', 'What was kept is damaged', { cause: error })
  })
  return (async function* () {
    try {
      if (!first.done) yield first.value
      yield* chunks
    } finally {
      await chunks.return(undefined)
    }
  })()
}
