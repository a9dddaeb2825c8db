import type { FeedEntry } from '../read/feed-entry.ts'

/** What a transaction changed, for the caches to forget once it is committed. */
export class Changed {
  /** Accounts whose profile, handle or standing changed. */
  readonly actors = new Set<number>()
  /** Accounts of which a commit was applied. */
  readonly revs = new Set<number>()
  readonly actorCounts = new Set<number>()
  /** Posts (`aid/rkey`) that came, went or got another gate. */
  readonly posts = new Set<string>()
  readonly counts = new Set<string>()
  /** Two accounts between which a follow or a block came or went. */
  readonly pairs: [number, number][] = []
  /** An account, and the post it liked, reposted or put aside (or no longer does). */
  readonly marks: [number, string][] = []
  /** Accounts that mute one more thread, or one less. */
  readonly threadMutes = new Set<number>()
  /** Accounts that want to be told of somebody's posts, or no longer. */
  readonly subscriptions = new Set<number>()
  /** Accounts that want to be told something else. */
  readonly noticePreferences = new Set<number>()
  /** Records (`aid/rkey`) of which something told was taken back. */
  readonly untold = new Set<string>()
  /** Accounts whose list of follows changed. */
  readonly follows = new Set<number>()
  readonly feedAdded: FeedEntry[] = []
  readonly feedRemoved: FeedEntry[] = []
  /** Lists (`aid/rkey`) on which somebody came, or from which somebody went. */
  readonly lists = new Set<string>()
  /** Accounts to which anybody may stand otherwise than before. */
  readonly standings = new Set<number>()
  /** Everybody may stand otherwise to anybody: a list that many use came or went. */
  isEverybodyElse = false
  /** Subjects of which a label came or went. */
  readonly labels = new Set<string>()
  /** Some account's handle wants looking at. */
  handlesDue = false
  /** Some job was added. */
  jobsDue = false
}
