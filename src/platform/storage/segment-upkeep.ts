import { StorageError } from './contracts.ts'
import { isNoSpace } from './errors.ts'
import type { Files, OpenFile } from './files.ts'
import type { OpenFiles } from './open-files.ts'
import { corrupt, loadIndex, type Segment, scanBatches, writeFully } from './segment-file.ts'
import { blankMark, type EntryPlace, segmentHeaderBytes, visitEntries } from './segment-format.ts'

/** Where an entry to be erased lies in the file. */
interface Target {
  seq: number
  markAt: number
  payloadAt: number
  payloadLength: number
}

const zeros = Buffer.alloc(1024 * 1024)

/**
 * Erases the payloads of the selected entries up to the seq `upTo`, adding their seqs to `erased`. Marks first, synced,
 * then zeros, synced: an entry is readable or marked at every moment, and a run that was cut short is finished by the
 * next one. Errors: Corrupt, NoSpace, Fatal.
 */
export async function blankSegment(
  files: Files,
  segment: Segment,
  upTo: number,
  select: (entry: { seq: number; key: string; kind: number }) => boolean,
  erased: Set<number>,
): Promise<void> {
  const file = await files.open(segment.path, 'r+')
  try {
    const { fresh, unfinished } = await findTargets(file, segment, upTo, select)
    if (fresh.length + unfinished.length > 0) await erase(file, segment, fresh, unfinished, erased)
  } finally {
    await file.close()
  }
}

async function erase(
  file: OpenFile,
  segment: Segment,
  fresh: Target[],
  unfinished: Target[],
  erased: Set<number>,
): Promise<void> {
  try {
    const mark = Buffer.alloc(4)
    mark.writeUInt32LE(blankMark)
    for (const target of fresh) await writeFully(file, mark, target.markAt)
    await file.datasync()
    for (const { seq } of fresh) erased.add(seq)
    for (const { payloadAt, payloadLength } of [...fresh, ...unfinished]) {
      for (let at = 0; at < payloadLength; at += zeros.length) {
        const length = Math.min(zeros.length, payloadLength - at)
        await writeFully(file, zeros.subarray(0, length), payloadAt + at)
      }
    }
    await file.datasync()
  } catch (error) {
    if (error instanceof StorageError) throw error
    const code = isNoSpace(error) ? 'NoSpace' : 'Fatal'
    throw new StorageError(code, `erasing in ${segment.path} failed`, { cause: error })
  }
}

async function findTargets(
  file: OpenFile,
  segment: Segment,
  upTo: number,
  select: (entry: { seq: number; key: string; kind: number }) => boolean,
): Promise<{ fresh: Target[]; unfinished: Target[] }> {
  segment.index ??= await loadIndex(file, segment)
  const { salt } = segment.header
  const to = segment.index.end
  const fresh: Target[] = []
  const unfinished: Target[] = []
  const end = await scanBatches(file, segmentHeaderBytes, to, salt, (bytes, batch, offset) => {
    // Positions in the window become positions in the file.
    const shift = offset - batch.at
    const visit = (place: EntryPlace) => {
      if (place.seq > upTo || !select({ seq: place.seq, key: place.key, kind: place.kind })) return
      const { seq, payloadLength } = place
      const target = {
        seq,
        markAt: place.markAt + shift,
        payloadAt: place.payloadAt + shift,
        payloadLength,
      }
      if (!place.blanked) fresh.push(target)
      else if (!isZero(bytes, place.payloadAt, payloadLength)) unfinished.push(target)
    }
    // Damage to somebody else's payload does not keep this one from being erased.
    visitEntries(bytes, batch, visit)
    return true
  })
  if (end !== to) throw corrupt(segment, end, 'the batch is damaged')
  return { fresh, unfinished }
}

function isZero(bytes: Buffer, at: number, length: number): boolean {
  for (let index = at; index < at + length; index++) if (bytes[index] !== 0) return false
  return true
}

/** The oldest seq that the segments hold, or `none`. */
export async function firstSeqOf(
  openFiles: OpenFiles,
  segments: readonly Segment[],
  none: number,
): Promise<number> {
  const segment = segments.find(({ lastSeq, header }) => lastSeq > header.previousLast)
  if (!segment) return none
  segment.index ??= await openFiles.use(segment.path, (file) => loadIndex(file, segment))
  return segment.index.seqs[0] ?? none
}
