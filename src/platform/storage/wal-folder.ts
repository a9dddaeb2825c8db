import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { StorageError, type StorageErrorCode } from './contracts.ts'
import type { SqliteConnection } from './sqlite-connection.ts'
import { sqlError } from './sqlite-errors.ts'

/**
 * Folding a write-ahead file into its database costs two fsyncs and many page writes, 10 to 20 ms for 4 MB. This file
 * does it on a worker thread, with a connection of its own; it is both the asking side and, there, the worker.
 */

interface Task {
  id: number
  path: string
}

interface Outcome {
  id: number
  failure?: { code: StorageErrorCode | undefined; message: string }
}

const role = 'falaj wal folder'
const waiting = new Map<number, PromiseWithResolvers<void>>()
let worker: Worker | undefined
let lastId = 0

/** Folds what is committed in the write-ahead file of `path` into the database, synced. Writers go on meanwhile. */
export function foldWal(path: string): Promise<void> {
  worker ??= startWorker()
  const id = ++lastId
  const answer = Promise.withResolvers<void>()
  waiting.set(id, answer)
  // The process must not end under an answer somebody waits for, nor stay for an idle worker.
  worker.ref()
  worker.postMessage({ id, path } satisfies Task)
  return answer.promise
}

/** A write-ahead file larger than this is folded into the database. */
const foldBytes = 2 * 1024 * 1024
/** One that still is larger than this afterwards grows faster than the worker folds: the rest is done on the spot. */
const crowdedBytes = 8 * 1024 * 1024

/** Bytes of the write-ahead file of a database; it shrinks when it begins anew after having been folded. */
export function walBytes(path: string): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
}

/** Keeps the write-ahead file of an open database small, off the loop as far as that goes. Errors: Fatal. */
export async function foldWhenLarge(path: string, db: SqliteConnection): Promise<void> {
  if (walBytes(path) < foldBytes) return
  try {
    await foldWal(path)
  } catch (error) {
    // Without room, or with somebody's lock in the way, it stays as it is: nothing is lost, the next one tries again.
    if (error instanceof StorageError && error.code === 'Fatal') throw error
    return
  }
  if (db.isOpen && !db.inTransaction && walBytes(path) > crowdedBytes) db.foldWal()
}

function startWorker(): Worker {
  const started = new Worker(new URL(import.meta.url), { workerData: role, name: role })
  started.on('message', ({ id, failure }: Outcome) => {
    const answer = waiting.get(id)
    waiting.delete(id)
    if (waiting.size === 0) started.unref()
    if (!failure) answer?.resolve()
    else if (!failure.code) answer?.reject(new Error(failure.message))
    else answer?.reject(new StorageError(failure.code, failure.message))
  })
  const fail = (error: unknown) => {
    if (worker === started) worker = undefined
    for (const answer of waiting.values()) answer.reject(error)
    waiting.clear()
  }
  started.on('error', fail)
  started.on('exit', () => fail(new StorageError('Closed', 'the folding thread has ended')))
  return started
}

function fold(path: string): void {
  // mode=rw: a file that was deleted meanwhile must not come back empty.
  const db = new DatabaseSync(`${pathToFileURL(path).href}?mode=rw`, { timeout: 0 })
  try {
    db.exec('PRAGMA synchronous = NORMAL')
    // The second pass takes what was committed during the first, so that the file is most likely folded entirely and
    // the next commit begins it anew.
    const fold = db.prepare('PRAGMA wal_checkpoint(PASSIVE)')
    fold.get()
    fold.get()
  } finally {
    db.close()
  }
}

if (!isMainThread && workerData === role) {
  parentPort!.on('message', ({ id, path }: Task) => {
    try {
      fold(path)
      parentPort!.postMessage({ id } satisfies Outcome)
    } catch (error) {
      const named = sqlError(error) as Error
      const message = `folding the write-ahead file of ${path}: ${named.message}`
      const code = named instanceof StorageError ? named.code : undefined
      parentPort!.postMessage({ id, failure: { code, message } } satisfies Outcome)
    }
  })
}
