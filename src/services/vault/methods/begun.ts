import { XrpcError } from '#protocol/xrpc'
import { Damaged } from '../kept/index.ts'

/**
 * A body whose first chunk is there: what is damaged from its beginning is answered, not cut off.
 * Damage is told in any case, so that it is mended.
 */
export async function begun(
  chunks: AsyncGenerator<Uint8Array>,
  damaged: (damage: Damaged) => void,
): Promise<AsyncIterable<Uint8Array>> {
  const told = (error: unknown): never => {
    if (error instanceof Damaged) {
      damaged(error)
      throw new XrpcError(500, 'Damaged', 'What was kept is damaged', { cause: error })
    }
    throw error
  }
  const first = await chunks.next().catch(told)
  return (async function* () {
    try {
      if (!first.done) yield first.value
      yield* chunks
    } catch (error) {
      told(error)
    } finally {
      await chunks.return(undefined)
    }
  })()
}
