import { type Kv, StorageError } from './contracts.ts'

export interface RedisKvOptions {
  /** redis:// or rediss://, with user and password where the server asks for them. */
  url: string
  /** Put before every key: several programs may share a server. */
  prefix: string
  /** Told of every failure of the connection, which is then tried again for ever. */
  onError(error: Error): void
}

const CONNECT_TIMEOUT_MS = 2_000
const RECONNECT_MAX_MS = 5_000
/** Commands that may wait for their answers; more are refused. */
const WAITING_MAX = 10_000

/** A key without a time is one that `set` made to stay: its time is not for an increment to give. */
const INCREMENT = `
local known = redis.call('EXISTS', KEYS[1])
local sum = redis.call('INCRBY', KEYS[1], ARGV[1])
if known == 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return {sum, redis.call('PTTL', KEYS[1])}`

/**
 * The Kv contract on Redis or Valkey, shared by every process that names the server. Does not wait for it: calls reject
 * with StorageError Unavailable while it is away. Errors: what the contract says, Unavailable.
 */
export async function openRedisKv(options: RedisKvOptions): Promise<Kv> {
  const { createClient } = await import('@redis/client')
  const client = createClient({
    url: options.url,
    RESP: 2,
    disableOfflineQueue: true,
    commandsQueueMaxLength: WAITING_MAX,
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectStrategy: (tries) => Math.min(50 * 2 ** Math.min(tries, 10), RECONNECT_MAX_MS),
    },
  })
  client.on('error', options.onError)
  client.connect().catch(options.onError)
  const named = (key: string) => `${options.prefix}${key}`
  return {
    get: (key) => told(async () => (await client.get(named(key))) ?? undefined),
    set: (key, value, ttlMs) =>
      told(async () => {
        const expiry = ttlMs === undefined ? {} : { PX: Math.max(1, Math.ceil(ttlMs)) }
        await client.set(named(key), value, expiry)
      }),
    delete: (key) => told(async () => (await client.del(named(key))) > 0),
    increment: (key, by, ttlMs) =>
      told(async () => {
        const reply = await client.eval(INCREMENT, {
          keys: [named(key)],
          arguments: [String(by), String(Math.max(1, Math.ceil(ttlMs)))],
        })
        const [sum, leftMs] = reply as unknown as [number, number]
        return { sum, leftMs: leftMs < 0 ? Number.POSITIVE_INFINITY : leftMs }
      }),
    async close() {
      client.destroy()
    },
  }
}

/** Gives what goes wrong its name. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { message } = error as Error
    if (/not an integer/.test(message)) {
      throw new StorageError('InvalidArgument', 'the value is no whole number', { cause: error })
    }
    throw new StorageError('Unavailable', `the shared store fails: ${message}`, { cause: error })
  }
}
