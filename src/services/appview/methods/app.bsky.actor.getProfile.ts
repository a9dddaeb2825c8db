import { mainSchema } from '@atcute/bluesky/types/app/actor/getProfile'
import { invalidRequest, type Method, XrpcError } from '#protocol/xrpc'
import { hydrateBasicPacks } from '../pages/packs-page.ts'
import { allOf, readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import type { Hydration, Viewer } from '../read/hydrate.ts'
import type { Known } from '../read/known-followers.ts'
import type { Relation } from '../read/relations.ts'
import { profileBasic, profileDetailed, subscribed } from '../views/actor.ts'
import { viewerBlocks } from '../views/feed.ts'
import { arrayOf, member } from '../views/json.ts'
import { packBasic, packIsThere } from '../views/starter-pack.ts'

type Parts = Pick<
  ReadParts,
  | ('actors' | 'auth' | 'hydrator' | 'knownFollowers')
  | ('labels' | 'resolver' | 'starterPacks' | 'subscriptions')
  | 'visitors'
>

/**
 * One account in detail, with the followers the viewer knows and the starter pack it came by. A
 * taken down or deactivated one is named as such.
 */
export function getProfile(parts: Parts): Method {
  const { actors, auth, hydrator, resolver, subscriptions, visitors } = parts
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      async skeleton({ actor }, viewer) {
        await visitors.profile(actor)
        const aid = await resolver.knownAid(actor)
        const account = (await actors.load([aid], { hidden: true })).get(aid)
        if (account?.status !== undefined) throw hiddenAccount(account.status)
        return { aid, known: await knownOf(parts, aid, viewer) }
      },
      async hydrate({ aid, known }, viewer) {
        const accounts = await hydrator.accounts(viewer, new Set([aid, ...known.aids]))
        const joined = await joinedOf(parts, accounts.actors.get(aid)?.pack, viewer)
        const told = await subscriptions.of(viewer?.aid ?? 0)
        return { accounts, joined, counts: await actors.counts([aid]), told }
      },
      rules: allOf,
      present({ aid, known }, { accounts, joined, counts, told }) {
        const actor = accounts.actors.get(aid)
        if (actor === undefined) throw invalidRequest('Profile not found')
        const standing = withKnown(accounts.relations.get(aid), known, accounts)
        const relation = subscribed(actor, standing, told.get(aid))
        return profileDetailed(actor, relation, counts.get(aid)!, joined)
      },
    },
  })
}

const NOBODY: Known = { count: 0, aids: [] }

async function knownOf({ knownFollowers }: Parts, aid: number, viewer: Viewer | undefined) {
  if (viewer === undefined || viewer.isNobody || viewer.aid === aid) return NOBODY
  return knownFollowers.of(viewer.aid, aid)
}

/** `,"joinedViaStarterPack":{…}`, or nothing. */
async function joinedOf(parts: Parts, key: string | undefined, viewer: Viewer | undefined) {
  if (key === undefined) return ''
  const slash = key.indexOf('/')
  const [pack] = await parts.starterPacks.byKeys([
    [Number(key.slice(0, slash)), key.slice(slash + 1)],
  ])
  if (pack === undefined) return ''
  const h = await hydrateBasicPacks(parts, [pack], viewer)
  return packIsThere(pack, h) ? member('joinedViaStarterPack', packBasic(pack, h)) : ''
}

function withKnown(
  relation: Relation | undefined,
  { count, aids }: Known,
  h: Hydration,
): Relation | undefined {
  if (relation === undefined || relation.blocked || count === 0) return relation
  const shown = aids.filter((aid) => h.actors.has(aid) && !viewerBlocks(h, aid))
  const views = shown.map((aid) => profileBasic(h.actors.get(aid)!, h.relations.get(aid)))
  const known = `{"count":${count},"followers":${arrayOf(views)}}`
  return { ...relation, viewer: `${relation.viewer.slice(0, -1)},"knownFollowers":${known}}` }
}

function hiddenAccount(status: string): XrpcError {
  if (status === 'deactivated')
    return new XrpcError(400, 'AccountDeactivated', 'Account is deactivated')
  if (status === 'takendown' || status === 'suspended')
    return new XrpcError(400, 'AccountTakedown', 'Account has been suspended')
  return invalidRequest('Profile not found')
}
