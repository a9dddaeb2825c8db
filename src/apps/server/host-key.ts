/** The key that seals a host's secrets at rest: made once, beside the data, readable by its owner only. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { writeDurably } from './write-durably.ts'

const KEY_BYTES = 32

/**
 * Reads the key (64 hex digits) from a file, or makes one that survives a power cut. Throws one clear
 * line when the file holds something else: guessing would make every secret unreadable.
 */
export function hostKey(path: string): Uint8Array {
  if (!existsSync(path)) writeKey(path, randomBytes(KEY_BYTES))
  const text = readFileSync(path, 'utf8').trim()
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new Error(`${path} does not hold a key of 64 hex digits`)
  return Buffer.from(text, 'hex')
}

/** Keeps the key of the host that this one is a copy of. */
export function keepHostKey(path: string, key: Uint8Array): void {
  if (key.length !== KEY_BYTES) throw new Error('not the key of a host')
  if (existsSync(path) && Buffer.from(hostKey(path)).equals(key)) return
  writeKey(path, key)
}

function writeKey(path: string, key: Uint8Array): void {
  writeDurably(path, `${Buffer.from(key).toString('hex')}\n`)
}
