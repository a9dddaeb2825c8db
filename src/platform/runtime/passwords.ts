/** Password hashing: argon2id on the machine's thread pool, a few at a time. */
import { argon2, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import type { Algorithm } from '@node-rs/argon2'

const MEMORY_KIB = 19 * 1024 // OWASP's first choice: 19 MiB, two passes, one lane
const PASSES = 2
const LANES = 1
const TAG_BYTES = 32
const SALT_BYTES = 16
/** Longer passwords cost time for nothing. */
export const PASSWORD_BYTES_MAX = 512
/** Each hash holds 19 MiB and a core for some 20 ms; the pool also serves files and names. */
const AT_ONCE = Math.max(2, Math.min(availableParallelism(), 3))
const WAITING_MAX = 1_000

interface Derivation {
  message: Buffer
  nonce: Buffer
  parallelism: number
  tagLength: number
  memory: number
  passes: number
}
type Derive = (derivation: Derivation) => Promise<Buffer>

const nodeDerive = promisify(argon2)
/** Node's own: everywhere, at more than twice the cost. */
const slowDerive: Derive = (derivation) => nodeDerive('argon2id', derivation)

/** Its enum is not there at run time. */
const ARGON2ID = 2 as Algorithm

let derive: Promise<Derive> | undefined

/** The compiled one where this platform has it, loaded with the first password. */
async function fastestDerive(): Promise<Derive> {
  try {
    const { hashRaw } = await import('@node-rs/argon2')
    return ({ message, nonce, parallelism, tagLength, memory, passes }) =>
      hashRaw(message, {
        algorithm: ARGON2ID,
        salt: nonce,
        parallelism,
        outputLen: tagLength,
        memoryCost: memory,
        timeCost: passes,
      })
  } catch {
    return slowDerive
  }
}

/** Too many hashes wait already, or a password is too long. */
export class PasswordError extends Error {
  readonly code: 'Busy' | 'TooLong'
  constructor(code: PasswordError['code'], message: string) {
    super(message)
    this.name = 'PasswordError'
    this.code = code
  }
}

/**
 * Hashes a password into a PHC string (`$argon2id$v=19$m=19456,t=2,p=1$salt$hash`). Throws
 * PasswordError when it is over 512 bytes or a thousand others wait.
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const tag = await argon2id(password, salt, MEMORY_KIB, PASSES, LANES, TAG_BYTES)
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${base64(salt)}$${base64(tag)}`
}

const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d)\$([\w+/]{11,86})\$([\w+/]{22,86})$/

/** As other hosts keep them, so that a host which takes their place knows its people: salt and hash in hex. */
const FOREIGN = /^([0-9a-f]{32}):([0-9a-f]{128})$/

/** Whether a hash is one of another host's, which asks for less work than ours. */
export const isForeignHash = (hash: string): boolean => FOREIGN.test(hash)

/** Whether the password made this hash; false for a hash that is not ours to read. */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const foreign = FOREIGN.exec(hash)
  if (foreign) {
    if (Buffer.byteLength(password) > PASSWORD_BYTES_MAX) return false
    const made = await deriveForeign(password, foreign[1]!)
    return timingSafeEqual(made, Buffer.from(foreign[2]!, 'hex'))
  }
  const parts = PHC.exec(hash)
  if (!parts || Buffer.byteLength(password) > PASSWORD_BYTES_MAX) return false
  const [memory, passes, lanes] = parts.slice(1, 4).map(Number) as [number, number, number]
  const expected = Buffer.from(parts[5]!, 'base64')
  const salt = Buffer.from(parts[4]!, 'base64')
  const tag = await argon2id(password, salt, memory, passes, lanes, expected.length)
  return timingSafeEqual(tag, expected)
}

const FOREIGN_BYTES = 64
const nodeScrypt = promisify<string, string, number, Buffer>(scrypt)

/**
 * scrypt as another host uses it: N 16,384, r 8, p 1, 64 bytes, the salt's text as its bytes. Throws
 * PasswordError when a thousand others wait.
 */
export async function deriveForeign(password: string, salt: string): Promise<Uint8Array> {
  await enter()
  try {
    return await nodeScrypt(password, salt, FOREIGN_BYTES)
  } finally {
    leave()
  }
}

let standIn: Promise<string> | undefined

/** Takes as long as verifying, and fails: for accounts that do not exist. */
export async function verifyNothing(password: string): Promise<false> {
  standIn ??= hashPassword(randomBytes(12).toString('hex'))
  await verifyPassword(password, await standIn)
  return false
}

async function argon2id(
  password: string,
  salt: Buffer,
  memory: number,
  passes: number,
  parallelism: number,
  tagLength: number,
): Promise<Buffer> {
  const message = Buffer.from(password)
  if (message.length > PASSWORD_BYTES_MAX)
    throw new PasswordError('TooLong', `password is over ${PASSWORD_BYTES_MAX} bytes`)
  await enter()
  try {
    derive ??= fastestDerive()
    return await (await derive)({
      message,
      nonce: salt,
      parallelism,
      tagLength,
      memory,
      passes,
    })
  } finally {
    leave()
  }
}

let running = 0
const waiting: (() => void)[] = []

async function enter(): Promise<void> {
  if (running < AT_ONCE) {
    running++
    return
  }
  if (waiting.length >= WAITING_MAX)
    throw new PasswordError('Busy', 'too many passwords are being checked')
  await new Promise<void>((resolve) => waiting.push(resolve))
}

function leave(): void {
  const next = waiting.shift()
  if (next) next()
  else running--
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
