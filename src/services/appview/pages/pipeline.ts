import {
  type Auth,
  type Method,
  type ParamsOf,
  type QuerySchema,
  query,
  type RawOutput,
  XrpcError,
} from '#protocol/xrpc'
import type { Actors } from '../read/actors.ts'
import type { Hydration, Viewer } from '../read/hydrate.ts'
import type { Json } from '../views/json.ts'

/**
 * A read in its four stages: which things there are (skeleton), what is known of them (hydrate),
 * which of them this viewer may see (rules), how they look (present). Each does only its part:
 * nothing is loaded after `hydrate`, and nothing is left out after `rules` but what is not there.
 */
export interface Stages<P, S, V extends Viewer | undefined, H = Hydration> {
  skeleton(params: P, viewer: V): Promise<S>
  hydrate(skeleton: S, viewer: V, params: P): Promise<H>
  rules(skeleton: S, hydration: H, params: P): S
  present(skeleton: S, hydration: H, params: P): Json
}

/** Declares a query that is answered in four stages. */
export function readMethod<const Q extends QuerySchema, S, V extends Viewer | undefined, H>(
  schema: Q,
  { auth, actors, stages }: { auth: Auth<V>; actors: Actors; stages: Stages<ParamsOf<Q>, S, V, H> },
): Method {
  return query(schema, {
    auth,
    async handle({ params, caller }) {
      // Read first: the answer may hold more than it says, never less.
      const rev = await revOf(actors, caller)
      try {
        const skeleton = await stages.skeleton(params, caller)
        const hydration = await stages.hydrate(skeleton, caller, params)
        const body = stages.present(stages.rules(skeleton, hydration, params), hydration, params)
        return respond(body, rev) as never
      } catch (error) {
        throw rev === undefined ? error : asOf(error, rev)
      }
    },
  })
}

/** A refusal that says, too, up to where the viewer's writes are known: it may be too early. */
function asOf(thrown: unknown, rev: string): unknown {
  if (!(thrown instanceof XrpcError)) return thrown
  const { status, error, message, cause } = thrown
  const headers = { ...thrown.headers, 'atproto-repo-rev': rev }
  return new XrpcError(status, error, message, { headers, cause })
}

/** For methods in which no rule can take anything out. */
export function allOf<S>(skeleton: S): S {
  return skeleton
}

/** Rounds a page is filled in when rules take items out of it. */
const ROUNDS_MAX = 4

/** One round of a page: what may be shown of the next rows, and where those end. */
export interface Round<T> {
  items: T[]
  cursor: string | undefined
}

/** Reads on until the page is full, the list ends, or it was read on often enough. */
export async function fillPage<T>(
  { cursor, limit }: { cursor?: string | undefined; limit: number },
  round: (page: { cursor: string | undefined; limit: number }) => Promise<Round<T>>,
  roundsMax = ROUNDS_MAX,
): Promise<Round<T>> {
  const items: T[] = []
  let next = cursor
  for (let rounds = 0; rounds < roundsMax && items.length < limit; rounds++) {
    const some = await round({ cursor: next, limit: limit - items.length })
    items.push(...some.items)
    next = some.cursor
    if (next === undefined) break
  }
  return { items, cursor: next }
}

/** A JSON answer; `rev` tells the viewer's PDS up to where its writes are in it. */
export function respond(body: Json, rev: string | undefined): RawOutput {
  return {
    encoding: 'application/json; charset=utf-8',
    body,
    headers: rev === undefined ? {} : { 'atproto-repo-rev': rev },
  }
}

/** The newest commit of the viewer's repo that is in the index. */
export async function revOf(
  actors: Actors,
  viewer: Viewer | undefined,
): Promise<string | undefined> {
  return viewer === undefined || viewer.aid === 0 ? undefined : actors.rev(viewer.aid)
}
