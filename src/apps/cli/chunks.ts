import { createReadStream } from 'node:fs'

/** A file, chunk by chunk. */
export async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path) as AsyncIterable<Uint8Array>
}
