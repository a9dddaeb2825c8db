/** Files of a host as its standby gets them. */
import { sealer } from '#platform/runtime'
import { readSqliteCopy, type Stream } from '#platform/storage'
import type { StandbyJoined } from '#protocol/account'
import { base64url, hex, hmacSha256 } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { AccountFiles } from '../account-files/index.ts'
import type { Accounts } from '../accounts/index.ts'
import type { StandbyFeed } from './feed.ts'

/** What only the program knows that opened the host's storage. */
export interface StandbySource {
  /** Calls the function with every commit of the directory database. */
  listen(heard: (changes: Uint8Array) => void): void
  /** Where that database lies. */
  directoryPath: string
  /** Folder for copies on their way out; what is in it is worth nothing. */
  copiesFolder: string
}

/** Copies that are made at once; each takes as much disk as the file. */
const COPIES_MAX = 8

/** Seals the host's key on its way to a standby: who listens on the wire has nothing of it. */
export const keySealer = (secret: string) =>
  sealer(
    hmacSha256(new TextEncoder().encode(secret), new TextEncoder().encode('falaj standby key')),
  )

export const KEY_PURPOSE = 'host key'

/** A body with what the receiver has to know of it. */
export interface FileCopy {
  body: AsyncIterable<Uint8Array>
  headers: Record<string, string>
}

export class HostCopies {
  readonly #feed: StandbyFeed
  readonly #source: StandbySource
  readonly #accounts: Accounts
  readonly #files: AccountFiles
  readonly #random: (byteCount: number) => Uint8Array
  #underWay = 0

  constructor(options: {
    feed: StandbyFeed
    source: StandbySource
    accounts: Accounts
    files: AccountFiles
    random: (byteCount: number) => Uint8Array
  }) {
    this.#feed = options.feed
    this.#source = options.source
    this.#accounts = options.accounts
    this.#files = options.files
    this.#random = options.random
  }

  /** The directory as it is now, and where in the channel that is. */
  async directory(stream: Stream): Promise<FileCopy> {
    const headers: Record<string, string> = { 'x-falaj-epoch': this.#feed.epoch }
    const body = await this.#copy(this.#source.directoryPath, () => {
      headers['x-falaj-change'] = String(this.#feed.newestChange)
      headers['x-falaj-seq'] = String(stream.bounds().durable)
    })
    return { body, headers }
  }

  /** An account's file: the one that counts, or one that an entry on its way switches to. */
  async accountFile(did: Did, wanted: number | undefined): Promise<FileCopy> {
    const account = await this.#accounts.getAny(did)
    if (!account || account.status === 'deleted') {
      throw new XrpcError(400, 'AccountNotFound', `Not an account of this host: ${did}`)
    }
    const generation = wanted ?? account.generation
    const body = await this.#copy(this.#files.path(did, generation)).catch((error) => {
      if (!/unable to open/.test((error as Error).message)) throw error
      throw new XrpcError(400, 'AccountNotFound', `${did} has no file ${generation}`)
    })
    return { body, headers: { 'x-falaj-generation': String(generation) } }
  }

  #copy(path: string, atThisMoment?: () => void): Promise<AsyncIterable<Uint8Array>> {
    if (this.#underWay >= COPIES_MAX) {
      const headers = { 'retry-after': '1' }
      throw new XrpcError(503, 'NotEnoughResources', 'Too many copies at once', { headers })
    }
    this.#underWay++
    const temporary = `${this.#source.copiesFolder}/${hex(this.#random(8))}.sqlite`
    return readSqliteCopy(path, temporary, atThisMoment).finally(() => this.#underWay--)
  }
}

/** What a standby is told before it follows. */
export function joined(options: {
  feed: StandbyFeed
  publicUrl: string
  version: string
  secret: string
  sealingKey: Uint8Array
  bounds: { first: number; durable: number }
  applied: number
  leaseEpoch: number | undefined
}): StandbyJoined {
  const { feed, publicUrl, version, secret, sealingKey, bounds, applied, leaseEpoch } = options
  return {
    epoch: feed.epoch,
    host: publicUrl,
    version,
    sealedKey: base64url(keySealer(secret).seal(sealingKey, KEY_PURPOSE)),
    first: bounds.first,
    durable: bounds.durable,
    applied,
    ...(leaseEpoch !== undefined && { leaseEpoch }),
  }
}
