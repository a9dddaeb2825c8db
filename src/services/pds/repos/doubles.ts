import { type CidBytes, decodeCbor, equalBytes } from '#protocol/data'
import type { Tree } from '#protocol/repo'
import { type AccountFile, subjectOf } from '../account-files/index.ts'
import { type PlannedWrite, planDelete } from './planned-write.ts'

/** Older records that one write may replace: with it they are a whole commit. */
const DOUBLES_MAX = 199

/** A record with a subject that is on its way to the file. */
interface UnderWay {
  subject: string
  cid: CidBytes
}

/** Subjects of the records that one account is writing: the file does not have them yet. */
export class SubjectsUnderWay {
  readonly #byPath = new Map<string, UnderWay>()

  /** Notes what a commit writes; what it returns is called when the file has it. */
  note(writes: readonly PlannedWrite[]): () => void {
    const noted: [string, UnderWay][] = []
    for (const { path, cid, subject } of writes) {
      if (cid && subject !== undefined) noted.push([path, { subject, cid }])
    }
    for (const [path, entry] of noted) this.#byPath.set(path, entry)
    return () => {
      for (const [path, entry] of noted) {
        if (this.#byPath.get(path) === entry) this.#byPath.delete(path)
      }
    }
  }

  pathsOf(collection: string, subject: string): string[] {
    const found: string[] = []
    for (const [path, entry] of this.#byPath) {
      if (entry.subject === subject && path.startsWith(`${collection}/`)) found.push(path)
    }
    return found
  }

  get(path: string): UnderWay | undefined {
    return this.#byPath.get(path)
  }
}

/**
 * Deletes of the records that a write is to take the place of: those of its collection with its
 * subject, as the tree has them, whether the file does already or not.
 */
export function doublesOf(
  { collection, subject }: PlannedWrite,
  tree: Tree,
  file: AccountFile,
  underWay: SubjectsUnderWay,
): PlannedWrite[] {
  if (subject === undefined) return []
  const stored = file.subjects.pathsOf(collection, subject, DOUBLES_MAX)
  const paths = new Set([...stored, ...underWay.pathsOf(collection, subject)])
  const deletes: PlannedWrite[] = []
  for (const path of paths) {
    const current = tree.get(path)
    if (!current || deletes.length === DOUBLES_MAX) continue
    const entry = underWay.get(path) ?? subjectIn(file, collection, path)
    if (!entry || entry.subject !== subject || !equalBytes(entry.cid, current)) continue
    deletes.push(planDelete(collection, path.slice(collection.length + 1)))
  }
  return deletes
}

function subjectIn(file: AccountFile, collection: string, path: string): UnderWay | undefined {
  const record = file.record(path)
  const subject = record && subjectOf(collection, decodeCbor(record.value))
  return record && subject !== undefined ? { subject, cid: record.cid } : undefined
}
