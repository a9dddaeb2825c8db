/** Every parser that reads what strangers send, the right inputs it is fuzzed from, and what must hold. */
import assert from 'node:assert/strict'
import {
  parseAuthorization,
  signServiceAuth,
  signSession,
  verifyServiceAuth,
  verifySession,
} from '#protocol/auth'
import { cidForCbor, importKey, parseDidKey, parseMultikey } from '#protocol/crypto'
import {
  type CarBlock,
  type CidBytes,
  cidLink,
  cidText,
  decodeCbor,
  encodeCar,
  encodeCbor,
  fromJson,
  JsonBytes,
  parseCid,
  readCar,
  readCarStream,
} from '#protocol/data'
import {
  identityOf,
  parseDidDocument,
  parsePlcOperation,
  plcData,
  plcDid,
  plcOperationCid,
  signPlcOperation,
  validatePlcOperation,
  verifyPlcLog,
} from '#protocol/identity'
import { parseAcceptLabelers, parseLabel, signLabel, verifyLabel } from '#protocol/label'
import { compileLexicons, validateRecord } from '#protocol/lexicon'
import {
  commitEvent,
  parseCommitEvent,
  parseSyncEvent,
  planCommit,
  type RepoHead,
  readRepo,
  syncEvent,
  Tree,
  verifyCommitEvent,
  verifyRepoCar,
  verifySyncEvent,
} from '#protocol/repo'
import {
  type Did,
  formatAtUri,
  formatTid,
  isAtIdentifier,
  isAtUri,
  isDatetime,
  isDid,
  isHandle,
  isLanguage,
  isNsid,
  isRecordKey,
  isTid,
  isUri,
  ProtocolError,
  parseAtIdentifier,
  parseAtUri,
  parseDatetime,
  parseDid,
  parseHandle,
  parseLanguage,
  parseNsid,
  parseRecordKey,
  parseTid,
  parseUri,
} from '#protocol/syntax'
import { decodeFrame, encodeErrorFrame, encodeFrame, parseJson, XrpcError } from '#protocol/xrpc'
import type { Chances } from '../simulation/index.ts'
import { APP_TARGETS, isAppRefusal } from './app-targets.ts'
import { wrongBytes, wrongJson, wrongText, wrongValue } from './mutate.ts'

export interface Target {
  name: string
  /** How many of ten million inputs are for it: more for what is cheap and stands at the door. */
  share: number
  /** One wrong input, as what shows it in a report. */
  input(chance: Chances): unknown
  /**
   * Reads it: may refuse, with an error of ours or false, and must hold to its word when it accepts.
   */
  read(input: never): unknown
}

const NOW_MS = Date.UTC(2026, 0, 1)
const DID: Did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
const KEY = importKey('k256', new Uint8Array(32).fill(7))
const P256 = importKey('p256', new Uint8Array(32).fill(9))
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** An error of ours is an answer; anything else that is thrown is a crash. */
export function isRefusal(error: unknown): boolean {
  if (isAppRefusal(error)) return true
  return error instanceof ProtocolError || (error instanceof XrpcError && error.status < 500)
}

function refusalOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (!isRefusal(error)) throw error
    return error instanceof ProtocolError ? error.code : (error as XrpcError).error
  }
}

// ── samples ──

const cidOf = (value: unknown) => cidForCbor(encodeCbor(value))
const revOf = (number: number) => formatTid(1_700_000_000_000_000 + number * 1_000, 5)

const RECORD = {
  $type: 'app.bsky.feed.post',
  text: 'Hello, مرحبا',
  langs: ['ar', 'en'],
  createdAt: '2026-01-01T00:00:00.000Z',
  facets: [
    {
      index: { byteStart: 0, byteEnd: 5 },
      features: [{ $type: 'app.bsky.richtext.facet#link', uri: 'https://example.com/a?b=c' }],
    },
  ],
  embed: {
    $type: 'app.bsky.embed.images',
    images: [
      {
        alt: 'a falaj',
        image: {
          $type: 'blob',
          ref: { $link: cidText(cidOf('picture')).replace('bafyrei', 'bafkrei') },
          mimeType: 'image/png',
          size: 1_000,
        },
      },
    ],
  },
}
const LIKE = {
  $type: 'app.bsky.feed.like',
  subject: { uri: `at://${DID}/app.bsky.feed.post/3kabc`, cid: cidText(cidOf(1)) },
  createdAt: '2026-01-01T00:00:00.000Z',
}
const PROFILE = {
  $type: 'app.bsky.actor.profile',
  displayName: 'Alia',
  description: 'x'.repeat(200),
}
const RECORDS = [RECORD, LIKE, PROFILE]

function repository(size: number) {
  const collections = ['app.bsky.feed.like', 'app.bsky.feed.post', 'com.example.note']
  const records = Array.from({ length: size }, (_, i) => {
    const bytes = encodeCbor({ $type: collections[i % 3], text: `number ${i}` })
    return { path: `${collections[i % 3]}/${revOf(i)}`, cid: cidForCbor(bytes), bytes }
  }).toSorted((a, b) => (a.path < b.path ? -1 : 1))
  const tree = Tree.build(records.map(({ path, cid }) => [path, cid] as const))
  const bytes = encodeCbor({ $type: 'com.example.note', text: 'the newest' })
  const writes = [
    { action: 'create', path: 'com.example.note/newest', cid: cidForCbor(bytes), bytes },
    { action: 'delete', path: records[0]!.path },
  ] as const
  const head: RepoHead = { did: DID, rev: revOf(1), commit: cidOf('head'), data: tree.root() }
  const plan = planCommit({ did: DID, tree, head, writes, rev: revOf(2), key: KEY })
  const kept = records.slice(1).map(({ cid, bytes }) => ({ cid, bytes }))
  return { head, plan, records: [...kept, { cid: cidForCbor(bytes), bytes }] }
}

const REPOS = [1, 3, 40].map(repository)
const TIME = '2026-01-01T00:00:00.000Z'
const FRAMES = [
  ...REPOS.map(({ plan }, i) => commitEvent({ plan, seq: i + 1, time: TIME })),
  ...REPOS.map(({ plan: { head, commitBytes } }, i) =>
    syncEvent({
      seq: i + 9,
      did: DID,
      rev: head.rev,
      commit: head.commit,
      commitBytes,
      time: TIME,
    }),
  ),
  encodeFrame('#identity', { seq: 20, did: DID, time: TIME, handle: 'alia.test' }),
  encodeFrame('#account', { seq: 21, did: DID, time: TIME, active: false, status: 'takendown' }),
  encodeFrame('#info', { name: 'OutdatedCursor' }),
  encodeErrorFrame('FutureCursor', 'in the future'),
]
const PLAN_OF = new Map(REPOS.map(({ plan, head }) => [cidText(plan.head.commit), { plan, head }]))

function carOf({ plan, records }: (typeof REPOS)[number]): Uint8Array {
  const blocks: [CidBytes, Uint8Array][] = [
    [plan.head.commit, plan.commitBytes],
    ...plan.tree.blocks(),
    ...records.map(({ cid, bytes }) => [cid, bytes] as [CidBytes, Uint8Array]),
  ]
  return encodeCar([plan.head.commit], blocks)
}

const CARS = REPOS.slice(0, 2).map(carOf)
const CBORS = [
  ...RECORDS.map((one) => encodeCbor(fromJson(one))),
  ...REPOS.map(({ plan }) => plan.commitBytes),
]

// ── bytes ──

const bytesOf = (samples: readonly Uint8Array[]) => (chance: Chances) => wrongBytes(chance, samples)

/**
 * V8 14.6 parses `{"a\\u0004":1}` with the key `a\\` where the object before had that key: it compares
 * with what is written, not with what it means. What JSON.parse says of such keys proves nothing.
 */
const ESCAPED_KEY = /"(?:[^"\\]|\\.)*\\(?:[^"\\]|\\.)*":/

function readCbor(bytes: Uint8Array): void {
  const value = decodeCbor(bytes)
  assert.deepEqual(encodeCbor(value), bytes, 'what is accepted is the one encoding of its value')
  const json = decoder.decode(new JsonBytes().cbor(bytes).bytes())
  if (ESCAPED_KEY.test(json)) return
  assert.deepEqual(encodeCbor(fromJson(JSON.parse(json))), bytes, 'as JSON and back')
}

/** Cut at any place, a stream says the same as the whole. */
async function readCarBothWays(input: { car: Uint8Array; cut: number }): Promise<boolean> {
  const { car, cut } = input
  let whole: { roots: CidBytes[]; blocks: CarBlock[] } | undefined
  refusalOf(() => (whole = readCar(car)))
  const streamed = await readStream([car.subarray(0, cut), car.subarray(cut)])
  assert.equal(streamed !== undefined, whole !== undefined, 'a stream and a whole say the same')
  if (!whole || !streamed) return false
  const pairs = (blocks: readonly CarBlock[]) =>
    blocks.map(({ cid, bytes }) => [cid, bytes] as [CidBytes, Uint8Array])
  assert.deepEqual(encodeCar(whole.roots, pairs(whole.blocks)), car)
  assert.deepEqual(encodeCar(streamed.roots, pairs(streamed.blocks)), car)
  return true
}

async function readStream(chunks: readonly Uint8Array[]) {
  async function* source() {
    yield* chunks
  }
  try {
    const { roots, blocks } = await readCarStream(source())
    const all: CarBlock[] = []
    for await (const batch of blocks) all.push(...batch)
    return { roots, blocks: all }
  } catch (error) {
    if (!isRefusal(error)) throw error
    return undefined
  }
}

// ── trees: one node is wrong, and every hash above it right again ──

interface TreeBlocks {
  commit: Record<string, unknown>
  root: string
  nodes: Map<string, Uint8Array>
  records: readonly { cid: CidBytes; bytes: Uint8Array }[]
}

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

const TREES: readonly TreeBlocks[] = REPOS.map(({ plan, records }) => ({
  commit: decodeCbor(plan.commitBytes) as Record<string, unknown>,
  root: hexOf(plan.head.data),
  nodes: new Map([...plan.tree.blocks()].map(([cid, bytes]) => [hexOf(cid), bytes])),
  records,
}))

function wrongTree(chance: Chances): Uint8Array {
  const { commit, root, nodes, records } = chance.pick(TREES)!
  const victim = chance.pick([...nodes.keys()])!
  const wrong = wrongBytes(chance, [nodes.get(victim)!, ...nodes.values()])
  const blocks: [CidBytes, Uint8Array][] = []
  /** Writes a node under what its hash is now, its children first. */
  const write = (name: string): CidBytes => {
    let bytes = Buffer.from(name === victim ? wrong : nodes.get(name)!)
    for (const child of nodes.keys()) {
      if (child === name) continue
      const at = bytes.indexOf(Buffer.from(child, 'hex'))
      if (at < 0 || name === victim) continue
      bytes = Buffer.from(bytes)
      bytes.set(write(child), at)
    }
    if (name === victim) for (const [cid, own] of nodes) blocks.push([Buffer.from(cid, 'hex'), own])
    const cid = cidForCbor(bytes)
    blocks.push([cid, bytes])
    return cid
  }
  const commitBytes = encodeCbor({ ...commit, data: cidLink(write(root)) })
  const pairs = records.map(({ cid, bytes }) => [cid, bytes] as [CidBytes, Uint8Array])
  const head = cidForCbor(commitBytes)
  return encodeCar([head], [[head, commitBytes], ...blocks, ...pairs])
}

/** A tree that is accepted is the one tree of its records; both readers agree. */
async function readTree(car: Uint8Array): Promise<boolean> {
  let whole: ReturnType<typeof verifyRepoCar> | undefined
  const refusal = refusalOf(() => (whole = verifyRepoCar(car)))
  async function* chunks() {
    yield car
  }
  let count = 0
  try {
    const { records } = await readRepo(chunks())
    for await (const batch of records) count += batch.length
    assert.equal(refusal, undefined, 'a stream takes no more than a whole')
  } catch (error) {
    if (!isRefusal(error)) throw error
    assert.notEqual(refusal, undefined, 'a stream refuses no more than a whole')
  }
  if (whole === undefined) return false
  const { records, head } = whole
  assert.equal(count, records.length)
  const built = Tree.build(records.map(({ path, cid }) => [path, cid] as const))
  assert.deepEqual(Buffer.from(built.root()), Buffer.from(head.data), 'the one tree of its records')
  return true
}

// ── events ──

const BODIES = FRAMES.slice(0, 3).map((frame) => (decodeFrame(frame) as { body: object }).body)

function readFrame(frame: Uint8Array): boolean {
  const decoded = decodeFrame(frame)
  return !('type' in decoded) || readEvent(decoded.body)
}

const opsKey = (ops: readonly { path: string; action: string; cid: unknown; prev?: unknown }[]) =>
  ops
    .map(({ path, action, cid, prev }) => `${path} ${action} ${show(cid)} ${show(prev)}`)
    .toSorted()
const show = (cid: unknown) => (cid instanceof Uint8Array ? hexOf(cid) : String(cid ?? null))

/** An event that is accepted says nothing but what the key signed. */
function readEvent(body: unknown): boolean {
  const sync = parseSyncEvent(body)
  if (sync.ok) return verifySyncEvent(sync.event, { key: KEY.publicKey, nowMs: NOW_MS }).ok
  const parsed = parseCommitEvent(body)
  if (!parsed.ok) return false
  const { event } = parsed
  const known = PLAN_OF.get(cidText(event.commit))
  const previous = known && { rev: known.head.rev, data: known.head.data }
  const options = { key: KEY.publicKey, nowMs: NOW_MS, ...(previous && { previous }) }
  const verdict = verifyCommitEvent(event, options)
  if (!verdict.ok) return false
  assert.ok(known, 'a commit that nobody signed')
  assert.deepEqual(opsKey(verdict.ops), opsKey(known.plan.ops), 'other operations than were signed')
  assert.deepEqual(hexOf(verdict.head.data), hexOf(known.plan.head.data))
  return true
}

// ── tokens ──

const SECRET = new Uint8Array(32).fill(3)
const SECONDS = NOW_MS / 1_000
const SESSION = { sub: DID, aud: 'did:web:host.example' as Did, iat: SECONDS, exp: SECONDS + 7_200 }
const SESSIONS = [
  signSession({ ...SESSION, scope: 'com.atproto.access' }, SECRET),
  signSession({ ...SESSION, scope: 'com.atproto.refresh', jti: 'abcdef' }, SECRET),
]
const SERVICE_AUTHS = [KEY, P256].map((key) =>
  signServiceAuth({
    iss: DID,
    aud: 'did:web:other.example',
    lxm: 'com.atproto.repo.uploadBlob',
    nowMs: NOW_MS,
    jti: 'a fresh one',
    key,
  }),
)

const part = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '').toString('base64url')

/** Wrong text, or three right parts that say something else. */
function wrongToken(chance: Chances, tokens: readonly string[]): string {
  if (chance() < 0.5) return wrongText(chance, tokens)
  const pieces = chance.pick(tokens)!.split('.')
  const at = chance.upTo(2)
  const value = JSON.parse(Buffer.from(pieces[at]!, 'base64url').toString())
  pieces[at] = part(wrongValue(chance, [value]))
  return pieces.join('.')
}

function readSession(token: string): void {
  verifySession(token, SECRET, NOW_MS)
  assert.ok(SESSIONS.includes(token), 'a session that nobody signed')
}

async function readServiceAuth(token: string): Promise<void> {
  const key = token.includes('ES256K') ? KEY : P256
  const checks = {
    aud: 'did:web:other.example',
    lxm: null,
    nowMs: NOW_MS,
    signingKey: async () =>
      (token.startsWith(SERVICE_AUTHS[0]!.split('.')[0]!) ? KEY : key).publicKey,
  }
  await verifyServiceAuth(token, checks)
  const signed = (one: string) => one.slice(0, one.lastIndexOf('.'))
  assert.ok(SERVICE_AUTHS.map(signed).includes(signed(token)), 'a token that nobody signed')
}

// ── text ──

const TEXTS = [
  ...['did:plc:ewvi7nxzyoun6zhxrhs64oiz', 'did:web:localhost%3A2583', 'did:web:example.com'],
  ...['alice.test', 'xn--mgbaam7a8h.example', 'app.bsky.feed.post', '3jzfcijpj2z2a', 'self'],
  ...['at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3jzfcijpj2z2a', 'at://alice.test'],
  ...['2026-01-01T00:00:00.123456+05:30', '1985-04-12T23:20:50Z', 'ar-OM', 'zh-Hant', 'i-klingon'],
  ...['https://example.com/a?b#c', 'bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a'],
  ...[KEY.publicKey.didKey, P256.publicKey.didKey, KEY.publicKey.multikey],
  ...[
    'Bearer abc.def.ghi',
    'Basic YWRtaW46cGFzcw==',
    'DPoP abc',
    'did:plc:aaaa;redact, did:web:b.c',
  ],
]

const SYNTAX: readonly [is: (text: unknown) => boolean, parse: (text: string) => unknown][] = [
  [isDid, parseDid],
  [isHandle, parseHandle],
  [isNsid, parseNsid],
  [isRecordKey, parseRecordKey],
  [isTid, parseTid],
  [isAtIdentifier, parseAtIdentifier],
  [isAtUri, parseAtUri],
  [isDatetime, parseDatetime],
  [isLanguage, parseLanguage],
  [isUri, parseUri],
]

function readText(text: string): boolean {
  let accepted = 0
  for (const [is, parse] of SYNTAX) {
    assert.equal(refusalOf(() => parse(text)) === undefined, is(text), 'is and parse agree')
    if (is(text)) accepted++
  }
  if (isAtUri(text)) {
    const { authority, collection, rkey } = parseAtUri(text)
    assert.equal(formatAtUri(authority, collection, rkey), text)
  }
  refusalOf(() => assert.equal(cidText(parseCid(text)), text))
  refusalOf(() => assert.equal(parseDidKey(text).didKey, text))
  refusalOf(() => assert.equal(parseMultikey(text).multikey, text))
  refusalOf(() => parseAuthorization(text))
  parseAcceptLabelers(text, 20)
  return accepted > 0
}

// ── lexicons and records ──

const LEXICONS: readonly { lexicon: 1; id: string; defs: Record<string, unknown> }[] = [
  {
    lexicon: 1,
    id: 'com.example.note',
    defs: {
      main: {
        type: 'record',
        key: 'tid',
        record: {
          type: 'object',
          required: ['text', 'createdAt'],
          nullable: ['reply'],
          properties: {
            text: { type: 'string', maxLength: 3000, maxGraphemes: 300, minLength: 1 },
            createdAt: { type: 'string', format: 'datetime' },
            langs: { type: 'array', maxLength: 3, items: { type: 'string', format: 'language' } },
            reply: { type: 'ref', ref: '#reply' },
            embed: { type: 'union', refs: ['#reply', 'com.example.other#thing'], closed: true },
            size: { type: 'integer', minimum: 0, maximum: 10, default: 3, enum: [1, 3] },
            picture: { type: 'blob', accept: ['image/*'], maxSize: 1_000_000 },
            hash: { type: 'bytes', maxLength: 32 },
            link: { type: 'cid-link' },
            rest: { type: 'unknown' },
          },
        },
      },
      reply: {
        type: 'object',
        properties: {
          up: { type: 'ref', ref: '#reply' },
          uri: { type: 'string', format: 'at-uri' },
        },
      },
    },
  },
  {
    lexicon: 1,
    id: 'com.example.find',
    defs: {
      main: {
        type: 'query',
        parameters: {
          type: 'params',
          required: ['q'],
          properties: {
            q: { type: 'string' },
            limit: { type: 'integer', minimum: 1, maximum: 100, default: 50 },
            tags: { type: 'array', items: { type: 'string' } },
          },
        },
        output: {
          encoding: 'application/json',
          schema: { type: 'object', properties: { cursor: { type: 'string' } } },
        },
        errors: [{ name: 'NotFound' }],
      },
    },
  },
]
const NOTE = {
  $type: 'com.example.note',
  text: 'hello',
  createdAt: TIME,
  langs: ['ar'],
  reply: { up: { uri: `at://${DID}` } },
  embed: { $type: 'com.example.note#reply' },
  size: 3,
}
const LEXICON_OF_NOTES = compileLexicons(LEXICONS)

/** A document that is accepted judges whatever record it is shown. */
function readLexicon(document: unknown): void {
  const lexicons = compileLexicons([document])
  for (const id of lexicons.ids) {
    for (const value of [NOTE, null, { $type: id }]) {
      refusalOf(() => lexicons.validateRecord(id, value))
      refusalOf(() => lexicons.validateParams(id, value))
      refusalOf(() => lexicons.validateOutput(id, value))
    }
  }
}

function readRecord(value: unknown): void {
  const collection = (value as { $type?: unknown } | null)?.$type
  if (typeof collection === 'string') validateRecord(collection, value)
  for (const { $type } of RECORDS) validateRecord($type, value)
  LEXICON_OF_NOTES.validateRecord('com.example.note', value)
  LEXICON_OF_NOTES.validateParams('com.example.find', value)
  const bytes = encodeCbor(fromJson(value))
  assert.deepEqual(encodeCbor(decodeCbor(bytes)), bytes)
}

function readJsonText(text: string): void {
  readRecord(parseJson(encoder.encode(text)))
}

// ── identities ──

const PLC_UNSIGNED = {
  type: 'plc_operation' as const,
  rotationKeys: [KEY.publicKey.didKey, P256.publicKey.didKey],
  verificationMethods: { atproto: KEY.publicKey.didKey },
  alsoKnownAs: ['at://alia.test'],
  services: {
    atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: 'https://host.example' },
  },
  prev: null,
}
const GENESIS = signPlcOperation(PLC_UNSIGNED, KEY)
const PLC_DID = plcDid(GENESIS)
const SECOND = signPlcOperation({ ...PLC_UNSIGNED, prev: plcOperationCid(GENESIS) }, KEY)
const TOMBSTONE = signPlcOperation(
  { type: 'plc_tombstone' as const, prev: plcOperationCid(SECOND) },
  P256,
)
const LEGACY = signPlcOperation(
  {
    type: 'create' as const,
    signingKey: KEY.publicKey.didKey,
    recoveryKey: P256.publicKey.didKey,
    handle: 'alia.test',
    service: 'https://host.example',
    prev: null,
  },
  KEY,
)
const OPERATIONS = [GENESIS, SECOND, TOMBSTONE, LEGACY]
const LOG = [GENESIS, SECOND].map((operation, i) => ({
  did: PLC_DID,
  operation,
  cid: plcOperationCid(operation),
  nullified: false,
  createdAt: `2026-01-0${i + 1}T00:00:00.000Z`,
}))

function readOperation(value: unknown): void {
  const strict = refusalOf(() => validatePlcOperation(value))
  const operation = parsePlcOperation(value)
  plcOperationCid(operation)
  refusalOf(() => identityOf(parseDidDocument(plcDocumentLike(plcData(PLC_DID, operation)))))
  if (strict === undefined) assert.ok(encodeCbor(operation).length > 0)
}

/** What a directory would say of it, whatever is in it. */
function plcDocumentLike(data: unknown): unknown {
  const { alsoKnownAs, services } = (data ?? {}) as Record<string, unknown>
  return { id: PLC_DID, alsoKnownAs, service: Object.values((services ?? {}) as object) }
}

/** A log that is accepted leads where the right one does: nobody else has the keys. */
function readLog(entries: unknown): boolean {
  if (!Array.isArray(entries)) return false
  const state = verifyPlcLog(PLC_DID, entries)
  assert.ok(
    LOG.some(({ cid }) => cid === state.cid),
    'an operation that nobody signed',
  )
  return true
}

const DOCUMENT = {
  '@context': ['https://www.w3.org/ns/did/v1'],
  id: DID,
  alsoKnownAs: ['at://alia.test'],
  verificationMethod: [
    {
      id: `${DID}#atproto`,
      type: 'Multikey',
      controller: DID,
      publicKeyMultibase: KEY.publicKey.multikey,
    },
    { id: '#atproto_label', type: 'EcdsaSecp256k1VerificationKey2019', publicKeyMultibase: 'zabc' },
  ],
  service: [
    {
      id: '#atproto_pds',
      type: 'AtprotoPersonalDataServer',
      serviceEndpoint: 'https://a.example/',
    },
  ],
}

function readDocument(value: unknown): void {
  const identity = identityOf(parseDidDocument(value))
  if (identity.signingKey !== undefined) refusalOf(() => parseDidKey(identity.signingKey!))
  identity.service('#atproto_pds')
}

const SIGNED = signLabel({ src: DID, uri: `at://${DID}`, val: 'spam', cts: TIME }, KEY)
const LABEL = { ...SIGNED, sig: { $bytes: SIGNED.sig.$bytes } }

/** A label that is accepted is the one that was signed. */
function readLabel(value: unknown): boolean {
  const label = parseLabel(fromJson(value))
  if (!label || !verifyLabel(label, KEY.publicKey)) return false

  assert.deepEqual(
    [label.src, label.uri, label.val, label.neg],
    [DID, `at://${DID}`, 'spam', undefined],
  )
  return true
}

// ── the table ──

export const TARGETS: readonly Target[] = [
  ...APP_TARGETS,
  { name: 'CBOR', share: 25, input: bytesOf(CBORS), read: readCbor },
  {
    name: 'CAR',
    share: 12,
    input: (chance: Chances) => {
      const car = wrongBytes(chance, CARS)
      return { car, cut: chance.upTo(car.length + 1) }
    },
    read: readCarBothWays,
  },
  { name: 'tree nodes', share: 6, input: wrongTree, read: readTree },
  { name: 'frames', share: 12, input: bytesOf(FRAMES), read: readFrame },
  {
    name: 'commit events',
    share: 4,
    input: (chance: Chances) => wrongValue(chance, BODIES),
    read: (body: object) => readFrame(encodeFrame('#commit', body)),
  },
  {
    name: 'session tokens',
    share: 6,
    input: (chance: Chances) => wrongToken(chance, SESSIONS),
    read: readSession,
  },
  {
    name: 'service tokens',
    share: 4,
    input: (chance: Chances) => wrongToken(chance, SERVICE_AUTHS),
    read: readServiceAuth,
  },
  {
    name: 'AT-URIs and other names',
    share: 12,
    input: (chance: Chances) => wrongText(chance, TEXTS),
    read: readText,
  },
  {
    name: 'lexicon documents',
    share: 4,
    input: (chance: Chances) => wrongJson(chance, LEXICONS),
    read: readLexicon,
  },
  {
    name: 'records',
    share: 5,
    input: (chance: Chances) => wrongJson(chance, [...RECORDS, NOTE]),
    read: readRecord,
  },
  {
    name: 'JSON bodies',
    share: 2,
    input: (chance: Chances) =>
      wrongText(
        chance,
        RECORDS.map((one) => JSON.stringify(one)),
      ),
    read: readJsonText,
  },
  {
    name: 'PLC operations',
    share: 4,
    input: (chance: Chances) => wrongJson(chance, OPERATIONS),
    read: readOperation,
  },
  {
    name: 'PLC logs',
    share: 1,
    input: (chance: Chances) => wrongJson(chance, [LOG]),
    read: readLog,
  },
  {
    name: 'DID documents',
    share: 2,
    input: (chance: Chances) => wrongJson(chance, [DOCUMENT]),
    read: readDocument,
  },
  {
    name: 'labels',
    share: 1,
    input: (chance: Chances) => wrongJson(chance, [LABEL]),
    read: readLabel,
  },
]
