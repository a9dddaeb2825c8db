/** Submissions as strangers may send them, and what must hold whatever they are. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  type AnyPlcOperation,
  type PlcLogEntry,
  plcOperationCid,
  signPlcOperation,
  verifyPlcLog,
} from '#protocol/identity'
import { Person } from './plc.test-support.ts'

/** What is submitted: where, and what. */
interface Submission {
  did: string
  body: string | Uint8Array<ArrayBuffer>
}

/** Who has a DID at the directory, by the number of rotation keys. */
const KEY_COUNTS = [2, 3, 5]

/** How a value of JSON is replaced: by something of another kind, or that parsers turn at. */
const tellingValue = fc.oneof(
  fc.constantFrom<unknown>(
    ...[
      null,
      true,
      0,
      -1,
      1.5,
      2 ** 53,
      1e300,
      '',
      ' ',
      'null',
      '\0',
      '\ud800',
      '\u202e',
      '__proto__',
    ],
    ...['did:key:', 'did:key:zzz', 'at://', `at://${'a'.repeat(300)}.test`, 'x'.repeat(5_000)],
    ...[[], {}, [[]], [null], { type: 1 }, { toString: 1 }, ['did:key:zQ3sh'], 'plc_tombstone'],
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
)

/** One change somewhere: the numbers choose the way down, at each level anew. */
const change = fc.record({
  way: fc.array(fc.nat(30), { minLength: 1, maxLength: 5 }),
  how: fc.constantFrom('remove', 'replace', 'add', 'twice', 'wrap'),
  value: tellingValue,
})
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

type Holder = Record<string, unknown>

function changed(root: unknown, { way, how, value }: Change): unknown {
  const top: Holder = { root: structuredClone(root) }
  let holder = top
  let key = 'root'
  for (const turn of way) {
    const inner = holder[key]
    if (typeof inner !== 'object' || inner === null) break
    const keys = Object.keys(inner)
    if (keys.length === 0) break
    holder = inner as Holder
    key = keys[turn % keys.length]!
  }
  const old = holder[key]
  if (how === 'remove') delete holder[key]
  else if (how === 'replace') holder[key] = value
  else if (how === 'twice') holder[key] = [old, old]
  else if (how === 'wrap') holder[key] = { [key]: old }
  else if (Array.isArray(old)) old.push(value)
  else holder[`${key}2`] = value
  return top.root
}

const noise = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.json(),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Uint8Array.from(bytes)),
  fc.nat(40_000).map((count) => '['.repeat(count)),
  fc.nat(40_000).map((count) => `{"type":"plc_operation","sig":"${'A'.repeat(count)}"}`),
)

/** Where it is sent: mostly to a DID somebody has. */
const place: fc.Arbitrary<number | string> = fc.oneof(
  { arbitrary: fc.nat(KEY_COUNTS.length - 1), weight: 6 },
  {
    arbitrary: fc.constantFrom(
      ...['did:plc:', 'did:web:example.com', '%', '%00', '%ff', 'did:plc:%2e%2e', 'null'],
      ...[
        `did:plc:${'a'.repeat(24)}`,
        `did:plc:${'A'.repeat(24)}`,
        `did%3Aplc%3A${'b'.repeat(24)}`,
      ],
    ),
    weight: 1,
  },
  { arbitrary: fc.webPath({ size: 'small' }).map((path) => path.replace(/^\/+/, '')), weight: 1 },
)

/** One time in seven, else null. */
const seldom = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ arbitrary: fc.constant(null), weight: 6 }, { arbitrary: value, weight: 1 })

/** An operation of somebody's that is right but for some changes, before or after it is signed. */
const wrongOperation = fc.record({
  who: fc.nat(KEY_COUNTS.length - 1),
  signer: fc.nat(5),
  /** Which operation of the log it follows, counted from the end; beyond it, none. */
  behind: fc.constantFrom(0, 0, 0, 1, 2, 9),
  kind: fc.constantFrom(...Array<'operation'>(9).fill('operation'), 'tombstone', 'create'),
  before: fc.oneof(fc.constant<Change[]>([]), fc.array(change, { maxLength: 2 })),
  after: fc.oneof({ arbitrary: fc.constant<Change[]>([]), weight: 3 }, fc.tuple(change)),
  cut: seldom(fc.nat(400)),
  did: seldom(place),
})
type WrongOperation = typeof wrongOperation extends fc.Arbitrary<infer T> ? T : never

function unsigned(kind: string, person: Person, prev: string | null): Holder {
  const { sig: _, ...operation } = person.operation(prev)
  if (kind === 'operation') return operation
  if (kind === 'tombstone') return { type: 'plc_tombstone', prev }
  const [signingKey, recoveryKey] = operation.rotationKeys
  const handle = 'ali.test'
  return { type: 'create', signingKey, recoveryKey, handle, service: 'https://pds.example', prev }
}

/** The people of one run, and what the directory says of each. */
interface Scene {
  people: readonly Person[]
  logs: PlcLogEntry[][]
}

function submissionOf(wrong: WrongOperation, { people, logs }: Scene): Submission {
  const person = people[wrong.who]!
  const inForce = logs[wrong.who]!.filter(({ nullified }) => !nullified)
  const prev = inForce.at(-1 - wrong.behind)?.cid ?? null
  let value: unknown = unsigned(wrong.kind, person, prev)
  for (const one of wrong.before) value = changed(value, one)
  // An end is signed by the weakest key alone: the others take it back.
  const signer = wrong.kind === 'tombstone' ? -1 : wrong.signer % person.keys.length
  const key = person.keys.at(signer)!
  try {
    value = signPlcOperation(value as Parameters<typeof signPlcOperation>[0], key)
  } catch {
    // What cannot be signed is sent all the same.
    value = { ...(value as object), sig: person.genesis.sig }
  }
  for (const one of wrong.after) value = changed(value, one)
  const body = JSON.stringify(value) ?? 'undefined'
  return {
    did: didOf(wrong.did ?? wrong.who, people),
    body: wrong.cut === null ? body : body.slice(0, wrong.cut),
  }
}

const didOf = (place: number | string, people: readonly Person[]): string =>
  typeof place === 'number' ? people[place]!.did : place

/** The directory as it is reached: every submission goes through `send`. */
export interface Reached {
  send(did: string, body: string | Uint8Array<ArrayBuffer>): Promise<Response>
  audit(did: string): Promise<PlcLogEntry[]>
}

/** How many submissions got which status. */
export type Statuses = Map<number, number>

/**
 * Sends wrong and nearly right operations: each is answered with 200, or a 4xx that says why; what is
 * refused leaves no trace; and every log goes on verifying from its first operation on.
 */
export async function submitWrongOperations(
  { send, audit }: Reached,
  options: { numRuns: number; seed?: number },
): Promise<Statuses> {
  const statuses: Statuses = new Map()
  const people = KEY_COUNTS.map((count, i) => new Person(`person${i}`, count))
  for (const { did, genesis } of people)
    assert.equal((await send(did, JSON.stringify(genesis))).status, 200)
  const scene: Scene = { people, logs: await Promise.all(people.map(({ did }) => audit(did))) }
  const property = fc.asyncProperty(submission, async (one) => {
    const sent =
      'who' in one ? submissionOf(one, scene) : { ...one, did: didOf(one.did, scene.people) }
    const response = await send(sent.did, sent.body)
    const text = await response.text()
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
    if (response.status === 200) return await assertTaken(scene, sent, audit)
    assert.ok(response.status >= 400 && response.status < 500, `${response.status}: ${text}`)
    const { message } = JSON.parse(text) as { message?: unknown }
    assert.ok(typeof message === 'string' && message.length > 0 && message.length < 2_000, text)
  })
  await fc.assert(property, options)
  for (const [at, { did }] of people.entries()) {
    const log = await audit(did)
    assert.equal(log.length, scene.logs[at]!.length, 'what was refused left a trace')
    verifyPlcLog(did, log)
  }
  return statuses
}

const submission = fc.oneof(
  { arbitrary: wrongOperation, weight: 8 },
  { arbitrary: fc.record({ did: place, body: noise }), weight: 2 },
)

async function assertTaken(scene: Scene, sent: Submission, audit: Reached['audit']): Promise<void> {
  const did = sent.did.replaceAll(/%3a/gi, ':')
  const at = scene.people.findIndex((one) => one.did === did)
  assert.ok(at >= 0, `accepted for a DID that nobody here has: ${sent.did}`)
  const log = await audit(did)
  const cid = plcOperationCid(JSON.parse(String(sent.body)) as AnyPlcOperation)
  assert.ok(
    log.some((entry) => entry.cid === cid),
    'accepted, and not in the log',
  )
  verifyPlcLog(scene.people[at]!.did, log)
  scene.logs[at] = log
}
