import { decodeCbor } from '#protocol/data'
import { type AtUri, type Tid, tidMicros } from '#protocol/syntax'
import type { AccountFile, AccountFiles, RecordRow } from '../account-files/index.ts'
import type { Account } from '../accounts/index.ts'
import type { Takedowns } from '../takedowns/index.ts'
import { COMPLETIONS, type OnCall } from './completions.ts'
import { ImageUrls } from './image-urls.ts'
import { type OwnPost, PostViews, type Profile } from './post-views.ts'

const POSTS = 'app.bsky.feed.post'
const PROFILE = 'app.bsky.actor.profile/self'
/** Keys of posts are made of time: what is newer than a view stands among the last of them. */
const SCANNED_MAX = 100
/** Of posts put into one view; an app view that is further behind has other worries. */
const POSTS_MAX = 25
/** The one refusal that can be made good: a thread whose post the app view has not met yet. */
const THREAD = 'app.bsky.feed.getPostThread'

/** What an account wrote that a view does not know of yet. */
export interface NewerWrites {
  /** How long ago the oldest of them was made. */
  readonly lagMs: number
  /** The view with them; undefined when there is nothing to add, or it is not of the known form. */
  complete(view: unknown, call: OnCall): Promise<unknown>
}

/**
 * Says which of an account's own records an app view's answer lacks, by the rev it came with, and
 * puts them in. Where nothing is newer it costs a comparison.
 */
export class OwnWrites {
  readonly #files: AccountFiles
  readonly #takedowns: Takedowns
  readonly #images: ImageUrls
  readonly #now: () => number

  constructor(options: {
    files: AccountFiles
    takedowns: Takedowns
    publicUrl: string
    /** Where the app view serves pictures: `%s` stands for preset, DID and CID. */
    cdnUrlPattern: string | undefined
    now: () => number
  }) {
    this.#files = options.files
    this.#takedowns = options.takedowns
    this.#images = new ImageUrls(options)
    this.#now = options.now
  }

  /** Whether answers of the method show records of the account that asks. */
  covers(nsid: string): boolean {
    return COMPLETIONS.has(nsid)
  }

  newer(
    account: Account,
    nsid: string,
    { rev, status }: { rev: string; status: number },
  ): NewerWrites | undefined {
    if (status !== 200 && !(status === 400 && nsid === THREAD)) return undefined
    if (account.status !== 'active') return undefined
    const file = this.#files.open(account.did, account.generation)
    const head = file.head()
    if (!head || head.rev <= rev) return undefined
    const posts = this.#postsSince(account, file, rev)
    const profile = file.record(PROFILE)
    const isProfileNewer = profile !== undefined && file.revOf(PROFILE)! > rev
    if (posts.length === 0 && !isProfileNewer) return undefined
    const revs = posts.map((post) => post.rev)
    if (isProfileNewer) revs.push(file.revOf(PROFILE)!)
    const known = profile && (readRecord(profile) as Profile)
    const views = new PostViews({ account, profile: known, images: this.#images })
    return {
      lagMs: Math.max(0, this.#now() - msOf(revs.reduce((a, b) => (a < b ? a : b)))),
      complete: (view, call) =>
        COMPLETIONS.get(nsid)!({
          view,
          call,
          did: account.did,
          handle: account.handle,
          posts,
          profile: isProfileNewer ? known : undefined,
          views,
        }),
    }
  }

  /** Oldest first. */
  #postsSince({ did }: Account, file: AccountFile, rev: string): OwnPost[] {
    return file
      .newest(POSTS, { scan: SCANNED_MAX, after: rev as Tid })
      .slice(0, POSTS_MAX)
      .map((row) => ownPost(did, row))
      .filter(({ uri }) => !this.#takedowns.has(uri))
      .reverse()
  }
}

function ownPost(did: Account['did'], row: RecordRow & { rev: Tid }): OwnPost {
  const uri = `at://${did}/${row.path}` as AtUri
  const indexedAt = new Date(msOf(row.rev)).toISOString()
  return {
    uri,
    cid: row.cid,
    rev: row.rev,
    indexedAt,
    record: readRecord(row) as OwnPost['record'],
  }
}

/** A record as JSON has it. */
const readRecord = ({ value }: RecordRow): unknown => JSON.parse(JSON.stringify(decodeCbor(value)))

const msOf = (rev: Tid) => Math.floor(tidMicros(rev) / 1000)
