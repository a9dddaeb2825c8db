/** The form of a pack: blocks one after the other, compressed and sealed as a whole. */
import { pack, type Sealer, unpack } from '#platform/runtime'
import { type CarBlock, carBlock, carHeader, concatBytes, readCar } from '#protocol/data'

/** What a pack gathers before it is closed. */
export const PACK_BYTES = 1024 * 1024
/** No pack is larger unpacked: what was gathered, and the block that filled it. */
const PACK_BYTES_MAX = PACK_BYTES + 4 * 1024 * 1024

/** Sealed for this account and nothing else: a pack cannot stand in for another account's. */
const purpose = (aid: number) => `pack of ${aid}`

/** Closes a pack. */
export async function sealPack(
  sealer: Sealer,
  aid: number,
  blocks: readonly CarBlock[],
): Promise<{ bytes: Uint8Array; size: number }> {
  const parts = blocks.map(({ cid, bytes }) => carBlock(cid, bytes))
  const plain = concatBytes([carHeader([]), ...parts])
  return { bytes: sealer.seal(await pack(plain), purpose(aid)), size: plain.length }
}

/** Opens a pack. Throws SealError when a byte of it was changed, or the key is another. */
export function openPack(sealer: Sealer, aid: number, bytes: Uint8Array): CarBlock[] {
  return readCar(unpack(sealer.open(bytes, purpose(aid)), PACK_BYTES_MAX)).blocks
}
