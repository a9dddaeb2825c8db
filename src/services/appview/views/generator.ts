import type { Blob } from '@atcute/lexicons'
import type { GeneratorsHydration } from '../pages/generators-page.ts'
import { GENERATOR, type Generator } from '../read/generators.ts'
import type { Hydration } from '../read/hydrate.ts'
import type { LabelledRecord } from '../read/labels.ts'
import type { RecordMarks } from '../read/record-marks.ts'
import { profileView } from './actor.ts'
import { type Json, member, quote, textMember } from './json.ts'
import { selfLabels } from './labels.ts'

function generatorUri(did: string, { rkey }: Generator): string {
  return `at://${did}/${GENERATOR}/${rkey}`
}

/** A feed with its publisher's own labels of it; undefined when the publisher may not be shown. */
export function labelledGenerator(generator: Generator, h: Hydration): LabelledRecord | undefined {
  const creator = h.actors.get(generator.aid)
  if (creator === undefined) return undefined
  const { cid, record } = generator
  const { did } = creator
  const uri = generatorUri(did, generator)
  return {
    uri,
    cid,
    labels: selfLabels(record.labels, { did, uri, cid, createdAt: record.createdAt }),
  }
}

/** Whether a feed's publisher, and the feed itself, may be shown. */
export function generatorIsThere(generator: Generator, h: GeneratorsHydration): boolean {
  const creator = h.actors.get(generator.aid)
  return creator !== undefined && h.recordLabels.has(generatorUri(creator.did, generator))
}

/** `app.bsky.feed.defs#generatorView` of a feed that is there. */
export function generatorView(
  generator: Generator,
  marks: RecordMarks,
  h: GeneratorsHydration,
): Json {
  const creator = h.actors.get(generator.aid)!
  const { cid, did, record, indexedMs } = generator
  const { likes, like } = marks
  const uri = generatorUri(creator.did, generator)
  const avatar = record.avatar as Blob | undefined
  const mine =
    h.viewer && `{${like ? `"like":"at://${h.viewer.did}/app.bsky.feed.like/${like}"` : ''}}`
  return (
    `{"uri":"${uri}","cid":"${cid}","did":"${did}"` +
    `,"creator":${profileView(creator, h.relations.get(generator.aid))}` +
    `,"displayName":${quote(record.displayName)}` +
    textMember('description', record.description as string | undefined) +
    member(
      'descriptionFacets',
      record.descriptionFacets ? quote(record.descriptionFacets) : undefined,
    ) +
    (avatar ? `,"avatar":"${h.urls.image('avatar', creator.did, avatar)}"` : '') +
    `,"likeCount":${likes}` +
    (typeof record.acceptsInteractions === 'boolean'
      ? `,"acceptsInteractions":${record.acceptsInteractions}`
      : '') +
    `,"labels":${h.recordLabels.get(uri) ?? '[]'}${member('viewer', mine)}` +
    textMember('contentMode', record.contentMode as string | undefined) +
    `,"indexedAt":"${new Date(indexedMs).toISOString()}"}`
  )
}
