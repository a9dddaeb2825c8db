import type { Generator, GeneratorMarks } from '../read/generators.ts'
import type { Hydration } from '../read/hydrate.ts'
import { profileView } from './actor.ts'
import { type Json, member, quote, textMember } from './json.ts'

/** `app.bsky.feed.defs#generatorView`; undefined when the publisher may not be shown. */
export function generatorView(
  generator: Generator,
  marks: GeneratorMarks,
  h: Hydration,
): Json | undefined {
  const creator = h.actors.get(generator.aid)
  if (creator === undefined) return undefined
  const { rkey, cid, did, record, indexedMs } = generator
  const { likes, like } = marks
  const mine = like && `{"like":"at://${h.viewer?.did}/app.bsky.feed.like/${like}"}`
  return (
    `{"uri":"at://${creator.did}/app.bsky.feed.generator/${rkey}","cid":"${cid}","did":"${did}"` +
    `,"creator":${profileView(creator, h.relations.get(generator.aid))}` +
    `,"displayName":${quote(record.displayName)}` +
    textMember('description', record.description as string | undefined) +
    `,"likeCount":${likes},"labels":[]${member('viewer', mine)}` +
    `,"indexedAt":"${new Date(indexedMs).toISOString()}"}`
  )
}
