/**
 * What the compiler must infer and what it must refuse. The assertions are types; running the file
 * only shows that the declarations are accepted.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as Atproto from '@atcute/atproto'
import * as Bluesky from '@atcute/bluesky'
import { compileLexicons } from '#protocol/lexicon'
import type { Did, Nsid } from '#protocol/syntax'
import {
  type Auth,
  jsonOutput,
  noAuth,
  procedure,
  query,
  subscription,
  type XrpcClient,
  XrpcError,
} from './index.ts'

/** Compiles only when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(_: Same<A, B>): void {}

const signedIn: Auth<{ did: Did }> = () => ({ did: 'did:plc:abc' })

test('params, input, caller and output of official methods are inferred', () => {
  const create = procedure(Atproto.ComAtprotoRepoCreateRecord.mainSchema, {
    auth: signedIn,
    limits: { bodyBytes: 100_000 },
    async handle({ params, input, caller, request }) {
      same<typeof input.record, Record<string, unknown>>(true)
      same<typeof input.collection, Nsid>(true)
      same<typeof input.validate, boolean | undefined>(true)
      same<typeof caller.did, Did>(true)
      same<typeof request.ip, string>(true)
      same<typeof params, Record<never, never>>(true)
      // @ts-expect-error the lexicon has no such field
      void input.nothing
      return { uri: `at://${caller.did}/${input.collection}/a`, cid: 'bafy' }
    },
  })
  assert.equal(create.nsid, 'com.atproto.repo.createRecord')
})

test('defaults make parameters certain, the rest may be absent', () => {
  query(Atproto.ComAtprotoRepoListRecords.mainSchema, {
    auth: noAuth,
    handle({ params, caller }) {
      same<typeof params.limit, number>(true)
      same<typeof params.cursor, string | undefined>(true)
      same<typeof caller, undefined>(true)
      return { records: [] }
    },
  })
})

test('literals of an output keep their types, also deep inside', () => {
  query(Bluesky.AppBskyFeedGetPosts.mainSchema, {
    auth: noAuth,
    handle({ params }) {
      if (params.uris.length === 0) return { posts: [] }
      return {
        posts: [
          {
            uri: 'at://did:plc:a/app.bsky.feed.post/a',
            cid: 'bafy',
            indexedAt: '',
            author: { did: 'did:plc:abc', handle: 'a.test' },
            record: {},
            embed: { $type: 'app.bsky.embed.images#view', images: [] },
          },
        ],
      }
    },
  })
})

test('an output that does not fit is refused by the compiler', () => {
  procedure(Atproto.ComAtprotoRepoCreateRecord.mainSchema, {
    auth: noAuth,
    // @ts-expect-error without uri
    handle: () => ({ cid: 'bafy' }),
  })
  query(Atproto.ComAtprotoIdentityResolveHandle.mainSchema, {
    auth: noAuth,
    // @ts-expect-error not a DID
    handle: () => ({ did: 'alice.test' }),
  })
  query(Atproto.ComAtprotoSyncGetRepo.mainSchema, {
    auth: noAuth,
    // @ts-expect-error bytes must say what they are
    handle: () => new Uint8Array(),
  })
})

test('binary bodies, raw answers and methods without output have types of their own', () => {
  procedure(Atproto.ComAtprotoRepoUploadBlob.mainSchema, {
    auth: noAuth,
    async handle({ input }) {
      same<typeof input.body, AsyncIterable<Uint8Array>>(true)
      return { blob: { $type: 'blob', mimeType: input.encoding, size: 1, ref: { $link: 'b' } } }
    },
  })
  procedure(Atproto.ComAtprotoServerDeleteSession.mainSchema, { auth: noAuth, async handle() {} })
  query(Atproto.ComAtprotoSyncGetRepo.mainSchema, {
    auth: noAuth,
    handle: async ({ params }) => {
      if (params.since !== undefined) throw new XrpcError(400, 'RepoNotFound')
      return { encoding: 'application/vnd.ipld.car', body: new Uint8Array() }
    },
  })
  query(Atproto.ComAtprotoIdentityResolveHandle.mainSchema, {
    auth: noAuth,
    handle: () => jsonOutput({ did: 'did:plc:abc' }, { 'cache-control': 'no-store' }),
  })
  subscription(Atproto.ComAtprotoSyncSubscribeRepos.mainSchema, {
    auth: noAuth,
    async *handle({ params }) {
      same<typeof params.cursor, number | undefined>(true)
      yield [new Uint8Array()]
    },
  })
})

test('schemas of our own lexicons carry the types they are given', () => {
  const parameters = { type: 'params', properties: { limit: { type: 'integer', default: 5 } } }
  const json = { encoding: 'application/json', schema: { type: 'object' } }
  const main = { type: 'query', parameters, output: json }
  const lexicons = compileLexicons([{ lexicon: 1, id: 'app.falaj.list', defs: { main } }])
  const schema = lexicons.query<{ limit: number; q?: string }, { items: string[] }>(
    'app.falaj.list',
  )
  query(schema, {
    auth: noAuth,
    handle({ params }) {
      same<typeof params.limit, number>(true)
      same<typeof params.q, string | undefined>(true)
      return { items: [String(params.limit)] }
    },
  })
  query(schema, {
    auth: noAuth,
    // @ts-expect-error items are text
    handle: () => ({ items: [1] }),
  })
})

test('a client takes and gives what the schema says', () => {
  const use = async (client: XrpcClient) => {
    const { records } = await client.get(Atproto.ComAtprotoRepoListRecords.mainSchema, {
      repo: 'did:plc:abc',
      collection: 'a.b.c',
    })
    same<(typeof records)[number]['cid'], string>(true)
    // @ts-expect-error the collection is missing
    await client.get(Atproto.ComAtprotoRepoListRecords.mainSchema, { repo: 'did:plc:abc' })
    const image = { encoding: 'image/png', body: new Uint8Array() }
    const { blob } = await client.post(Atproto.ComAtprotoRepoUploadBlob.mainSchema, image)
    same<typeof blob.size, number>(true)
    await client.post(Atproto.ComAtprotoServerDeleteSession.mainSchema, undefined)
  }
  assert.equal(typeof use, 'function')
})
