/** What the relay knows of one repository, and how events change it. */
import type { CidBytes } from '#protocol/data'
import type { Did, Tid } from '#protocol/syntax'

export interface RepoState {
  readonly did: Did
  /** Origin of its host. */
  readonly host: string
  readonly rev: Tid | undefined
  /** CID of the newest commit, and root of its tree. */
  readonly commit: CidBytes | undefined
  readonly data: CidBytes | undefined
  /** Why it is not shown; undefined while active. */
  readonly status: string | undefined
  /** Its chain broke: commits wait until its head was fetched from its host. */
  readonly desynchronized: boolean
}

/** A repository nothing is known of yet. */
export function unknownRepo(did: Did, host: string): RepoState {
  return {
    did,
    host,
    rev: undefined,
    commit: undefined,
    data: undefined,
    status: undefined,
    desynchronized: false,
  }
}

/** The state at a host. What another host said of the account's standing ends with the move. */
export function atHost(state: RepoState, host: string): RepoState {
  return state.host === host ? state : { ...state, host, status: undefined }
}

/**
 * The state at a new head. The CIDs are copied: they are views of the event, which would otherwise
 * stay in memory as long as they do.
 */
export function withHead(
  state: RepoState,
  head: { rev: Tid; commit: CidBytes; data: CidBytes },
): RepoState {
  const { rev } = head
  return {
    ...state,
    rev,
    commit: head.commit.slice(),
    data: head.data.slice(),
    desynchronized: false,
  }
}

/** The state after an `#account` whose shape was checked. */
export function withStanding(state: RepoState, body: Record<string, unknown>): RepoState {
  const { active, status } = body
  return { ...state, status: active === true ? undefined : String(status ?? 'deactivated') }
}
