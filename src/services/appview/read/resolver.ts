import { type Directory, identityOf } from '#protocol/identity'
import { type AtIdentifier, type Did, type Handle, isDid, parseAtUri } from '#protocol/syntax'
import { invalidRequest } from '#protocol/xrpc'
import { INVALID_HANDLE } from '../views/actor.ts'
import type { Actors } from './actors.ts'

type RecordKey = readonly [aid: number, rkey: string]

/** From what callers name (DIDs, handles, AT-URIs) to accounts and posts of the index. */
export class Resolver {
  readonly #actors: Actors
  readonly #directory: Directory

  constructor({ actors, directory }: { actors: Actors; directory: Directory }) {
    this.#actors = actors
    this.#directory = directory
  }

  /** Undefined when nobody has spoken of the account. An unknown handle is looked up. */
  async aid(actor: AtIdentifier): Promise<number | undefined> {
    if (isDid(actor)) return this.#actors.aidOf(actor)
    const known = await this.#actors.aidOfHandle(actor as Handle)
    if (known !== undefined) return known
    const did = await this.#lookUp(actor as Handle)
    const aid = did && (await this.#actors.aidOf(did))
    if (aid === undefined) return undefined
    // Who is known by another name by now may be remembered under the old one.
    const name = (await this.#actors.load([aid], { hidden: true })).get(aid)?.handle
    const isKnownSo = name === INVALID_HANDLE || name === actor.toLowerCase()
    return isKnownSo || (await this.#isNamedSo(did!, actor)) ? aid : undefined
  }

  /** As `aid`; 400 when there is none. */
  async knownAid(actor: AtIdentifier, message = 'Profile not found'): Promise<number> {
    const aid = await this.aid(actor)
    if (aid === undefined) throw invalidRequest(message)
    return aid
  }

  /** The account and the record key of a post's AT-URI; undefined when it cannot be indexed. */
  async post(uri: string): Promise<{ aid: number; rkey: string; key: string } | undefined> {
    const found = await this.#record(uri, 'app.bsky.feed.post')
    return found && { aid: found[0], rkey: found[1], key: `${found[0]}/${found[1]}` }
  }

  /** The DID and the record key of a post's AT-URI, be it indexed or not; undefined for anything else. */
  async postName(uri: string): Promise<{ did: Did; rkey: string } | undefined> {
    const { authority, collection, rkey } = parseAtUri(uri)
    if (collection !== 'app.bsky.feed.post' || rkey === undefined) return undefined
    const did = isDid(authority) ? authority : await this.#didOf(authority as Handle)
    if (did === undefined) throw invalidRequest(`Nobody is known as ${authority}`)
    return { did, rkey }
  }

  /** The account and the record key of a repost's AT-URI. */
  repost(uri: string): Promise<RecordKey | undefined> {
    return this.#record(uri, 'app.bsky.feed.repost')
  }

  /** The account and the record key of a list's AT-URI. */
  list(uri: string): Promise<RecordKey | undefined> {
    return this.#record(uri, 'app.bsky.graph.list')
  }

  /** The account and the record key of a starter pack's AT-URI. */
  starterPack(uri: string): Promise<RecordKey | undefined> {
    return this.#record(uri, 'app.bsky.graph.starterpack')
  }

  /** The account and the record key of a feed's AT-URI. */
  generator(uri: string): Promise<RecordKey | undefined> {
    return this.#record(uri, 'app.bsky.feed.generator')
  }

  async #record(uri: string, wanted: string): Promise<RecordKey | undefined> {
    const { authority, collection, rkey } = parseAtUri(uri)
    if (collection !== wanted || rkey === undefined) return undefined
    const aid = await this.aid(authority)
    return aid === undefined ? undefined : [aid, rkey]
  }

  async #didOf(handle: Handle): Promise<Did | undefined> {
    const aid = await this.#actors.aidOfHandle(handle)
    if (aid === undefined) return this.#lookUp(handle)
    return (await this.#actors.load([aid], { hidden: true })).get(aid)?.did
  }

  /** Whether the account's identity says that it has this handle. */
  async #isNamedSo(did: Did, handle: string): Promise<boolean> {
    const document = await this.#directory.document(did).catch(() => undefined)
    const named = document && identityOf(document).handle
    return named?.toLowerCase() === handle.toLowerCase()
  }

  async #lookUp(handle: Handle): Promise<Did | undefined> {
    try {
      return await this.#directory.resolveHandle(handle)
    } catch {
      return undefined // nobody could say just now: for a reader that is the same
    }
  }
}
