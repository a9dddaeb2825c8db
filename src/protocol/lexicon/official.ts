import * as LexiconSchema from '@atcute/atproto/types/lexicon/schema'
import * as ContentVisibility from '@atcute/bluesky/types/app/actor/contentVisibilityDeclaration'
import * as Profile from '@atcute/bluesky/types/app/actor/profile'
import * as Status from '@atcute/bluesky/types/app/actor/status'
import * as Generator from '@atcute/bluesky/types/app/feed/generator'
import * as Like from '@atcute/bluesky/types/app/feed/like'
import * as Post from '@atcute/bluesky/types/app/feed/post'
import * as Postgate from '@atcute/bluesky/types/app/feed/postgate'
import * as Repost from '@atcute/bluesky/types/app/feed/repost'
import * as Threadgate from '@atcute/bluesky/types/app/feed/threadgate'
import * as Block from '@atcute/bluesky/types/app/graph/block'
import * as Follow from '@atcute/bluesky/types/app/graph/follow'
import * as List from '@atcute/bluesky/types/app/graph/list'
import * as Listblock from '@atcute/bluesky/types/app/graph/listblock'
import * as Listitem from '@atcute/bluesky/types/app/graph/listitem'
import * as Referencelistoptout from '@atcute/bluesky/types/app/graph/referencelistoptout'
import * as Starterpack from '@atcute/bluesky/types/app/graph/starterpack'
import * as Verification from '@atcute/bluesky/types/app/graph/verification'
import * as LabelerService from '@atcute/bluesky/types/app/labeler/service'
import * as NotificationDeclaration from '@atcute/bluesky/types/app/notification/declaration'
import * as ChatDeclaration from '@atcute/bluesky/types/chat/actor/declaration'
import {
  type BaseSchema,
  type RecordKeySchema,
  type RecordSchema,
  safeParse,
} from '@atcute/lexicons/validations'
import { isRecordKey } from '#protocol/syntax'
import type { MethodSchema } from './method-schema.ts'
import { invalid, type RecordChecks, type RecordVerdict, unknown, valid } from './record-verdict.ts'

/** The schema of an official record. */
export interface OfficialRecord extends BaseSchema {
  readonly type: 'record'
  readonly key: RecordKeySchema
}

// Imported one by one: the whole of @atcute/bluesky costs a starting process 60 ms more.
const modules: readonly { mainSchema: unknown }[] = [
  ChatDeclaration,
  ContentVisibility,
  Block,
  Follow,
  Generator,
  LabelerService,
  LexiconSchema,
  Like,
  List,
  Listblock,
  Listitem,
  NotificationDeclaration,
  Post,
  Postgate,
  Profile,
  Referencelistoptout,
  Repost,
  Starterpack,
  Status,
  Threadgate,
  Verification,
]

let records: Map<string, OfficialRecord> | undefined

/** The schema of a record that the pinned @atcute packages know; undefined for other collections. */
export function recordSchema(collection: string): OfficialRecord | undefined {
  records ??= new Map(
    modules.map((module) => {
      const schema = module.mainSchema as RecordSchema<never, RecordKeySchema>
      return [typeOf(schema), schema as unknown as OfficialRecord]
    }),
  )
  return records.get(collection)
}

/** Every collection that `recordSchema` knows, sorted. */
export function officialCollections(): string[] {
  recordSchema('')
  return [...records!.keys()].sort()
}

/** Checks a record against its official lexicon. Takes decoded values and their JSON form. */
export function validateRecord(
  collection: string,
  value: unknown,
  checks: RecordChecks = {},
): RecordVerdict {
  const schema = recordSchema(collection)
  if (schema === undefined) return unknown
  const { rkey } = checks
  if (rkey !== undefined && !(isRecordKey(rkey) && safeParse(schema.key, rkey).ok)) {
    return invalid(`the record key does not fit ${collection}`)
  }
  const result = safeParse(schema, value, { strict: checks.strict ?? true })
  return result.ok ? valid : invalid(result.message)
}

function typeOf(schema: RecordSchema<never, RecordKeySchema>): string {
  const { shape } = schema.object as { shape: Record<string, { expected: string }> }
  return shape.$type!.expected
}

let methods: Promise<Map<string, MethodSchema>> | undefined

/**
 * The schema of an official method by its NSID; undefined for others. The first call loads all of
 * the pinned @atcute packages (about 150 ms), which is why services import what they answer.
 */
export async function methodSchema(nsid: string): Promise<MethodSchema | undefined> {
  methods ??= loadMethods()
  return (await methods).get(nsid)
}

async function loadMethods(): Promise<Map<string, MethodSchema>> {
  const packages = await Promise.all([
    import('@atcute/atproto'),
    import('@atcute/bluesky'),
    import('@atcute/ozone'),
  ])
  const found = new Map<string, MethodSchema>()
  for (const module of packages.flatMap((exported) => Object.values(exported))) {
    const schema = (module as { mainSchema?: { kind: string } }).mainSchema
    if (schema?.kind === 'metadata') {
      const method = schema as unknown as MethodSchema
      found.set(method.nsid, method)
    }
  }
  return found
}
