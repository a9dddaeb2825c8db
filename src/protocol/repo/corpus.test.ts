/** What the network really sent: frames of the firehose, whole repositories, old and new. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { base58btc, fromBase58btc, type PublicKey, parseMultikey } from '#protocol/crypto'
import {
  type Bytes,
  type CidBytes,
  cidText,
  decodeCborFirst,
  encodeCar,
  equalBytes,
  fromBytes,
  fromJson,
  readCar,
} from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import { vectorPath } from '../../../network/vectors.ts'
import { BlockMap } from './block-map.ts'
import { decodeCommit } from './commit.ts'
import { type CommitEvent, parseCommitEvent, parseSyncEvent } from './parse-event.ts'
import { readRepo, verifyRepoCar } from './read-repo.ts'
import { Tree } from './tree.ts'
import { invertOps, verifyCommitEvent } from './verify-commit.ts'

interface DidDoc {
  id: string
  verificationMethod: { id: string; type: string; publicKeyMultibase: string }[]
}

/** When the frames were captured. */
const CAPTURED_MS = Date.parse('2026-07-04T14:39:14Z')

/** The signing key of a document, old style (type and uncompressed point) or new (multikey). */
function signingKey(doc: DidDoc): PublicKey {
  const method = doc.verificationMethod.find(({ id }) => id.endsWith('#atproto'))!
  const { type, publicKeyMultibase } = method
  if (type === 'Multikey') return parseMultikey(publicKeyMultibase)
  const point = fromBase58btc(publicKeyMultibase.slice(1))
  const prefix = type.includes('256k1') ? [0xe7, 0x01] : [0x80, 0x24]
  const compressed = [2 + (point[64]! & 1), ...point.subarray(1, 33)]
  return parseMultikey(`z${base58btc(Uint8Array.from([...prefix, ...compressed]))}`)
}

const frames = vectorPath('firehose-corpus/frames.bin.zst')
const documents = vectorPath('firehose-corpus/did_docs.json.zst')

function* readFrames(path: string): Generator<Uint8Array> {
  const all = zstdDecompressSync(readFileSync(path))
  for (let at = 0; at < all.length; ) {
    const length = all.readUInt32LE(at)
    yield Uint8Array.from(all.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
}

function corpus(): { event: CommitEvent; key: PublicKey }[] {
  if (frames === undefined || documents === undefined) return []
  const docs: Record<string, DidDoc> = JSON.parse(
    zstdDecompressSync(readFileSync(documents)).toString(),
  )
  return [...readFrames(frames)].flatMap((frame) => {
    const [header, rest] = decodeCborFirst(frame)
    if ((header as { t: string }).t !== '#commit') return []
    const parsed = parseCommitEvent(decodeCborFirst(rest)[0])
    assert.ok(parsed.ok, 'a real commit is well-formed')
    return [{ event: parsed.event, key: signingKey(docs[parsed.event.repo]!) }]
  })
}

describe('a hundred and fifty frames of the network', { skip: frames === undefined }, () => {
  const commits = corpus()
  const options = { nowMs: CAPTURED_MS }

  it('hold 148 commits, and all verify', () => {
    assert.equal(commits.length, 148)
    for (const { event, key } of commits) {
      const verdict = verifyCommitEvent(event, { key, ...options })
      assert.ok(verdict.ok, `${event.repo} ${event.rev} ${verdict.ok || verdict.reason}`)
    }
  })

  it('verify also after the state they say they follow', () => {
    for (const { event, key } of commits) {
      const previous = { rev: event.since!, data: event.prevData! }
      assert.ok(verifyCommitEvent(event, { key, ...options, previous }).ok)
    }
  })

  it('verify whatever order their operations are listed in', () => {
    for (const { event, key } of commits) {
      const ops = event.ops.toReversed()
      assert.ok(verifyCommitEvent({ ...event, ops }, { key, ...options }).ok)
    }
  })

  it('are refused with the key of another account', () => {
    commits.forEach(({ event }, i) => {
      const { key } = commits[(i + 1) % commits.length]!
      const verdict = verifyCommitEvent(event, { key, ...options })
      const isSame = key.didKey === commits[i]!.key.didKey
      assert.equal(verdict.ok || verdict.reason, isSame ? true : 'bad-signature')
    })
  })

  it('are refused after another state, without an operation, or with another record', () => {
    for (const { event, key } of commits) {
      const { ops, commit } = event
      const previous = { rev: event.since!, data: commit }
      const reason = (changes: Partial<CommitEvent>, more = {}) => {
        const verdict = verifyCommitEvent({ ...event, ...changes }, { key, ...options, ...more })
        return verdict.ok ? 'ok' : verdict.reason
      }
      assert.equal(reason({}, { previous }), 'prev-mismatch')
      assert.equal(reason({ prevData: commit }), 'inversion-failed')
      if (ops.length > 0) assert.notEqual(reason({ ops: ops.slice(1) }), 'ok')
      const wrong = ops.map((op) => (op.cid ? { ...op, cid: commit } : op))
      if (ops.some((op) => op.cid)) assert.notEqual(reason({ ops: wrong }), 'ok')
    }
  })

  it('prove themselves with no more nodes than the reference sent', () => {
    for (const { event } of commits) {
      const { data } = decodeCommit(event.blocks.get(event.commit)!)
      const tree = Tree.open(data, event.blocks)
      const paths = event.ops.map((op) => op.path)
      for (const [cid] of tree.proof(paths)) assert.ok(event.blocks.has(cid))
    }
  })

  it('never verify with a byte of their blocks changed', () => {
    commits.forEach(({ event, key }, i) => {
      for (const [cid, bytes] of event.blocks) {
        const blocks = new BlockMap()
        for (const [other, content] of event.blocks) {
          const changed = content.slice()
          changed[(i * 7919) % changed.length]! ^= 1 << (i % 8)
          blocks.add(other, equalBytes(other, cid) ? changed : content)
        }
        const verdict = verifyCommitEvent({ ...event, blocks }, { key, ...options })
        assert.ok(!verdict.ok, `a changed block of ${bytes.length} bytes`)
      }
    })
  })
})

describe('a frame with bytes changed', { skip: frames === undefined }, () => {
  it('is refused or judged, and never a crash', () => {
    const all = frames === undefined ? [] : [...readFrames(frames)]
    const commits = corpus()
    const key = commits[0]?.key
    const change = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(fc.nat(all.length - 1), fc.array(change, { minLength: 1, maxLength: 5 }), check),
      { numRuns: 1500 },
    )
    function check(index: number, changes: [number, number][]): void {
      const frame = all[index]!.slice()
      for (const [at, bits] of changes) frame[at % frame.length]! ^= bits
      let body: unknown
      try {
        body = decodeCborFirst(decodeCborFirst(frame)[1])[0]
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error))
        return
      }
      parseSyncEvent(body)
      const parsed = parseCommitEvent(body)
      if (!parsed.ok) return
      const verdict = verifyCommitEvent(parsed.event, { key: key!, nowMs: CAPTURED_MS })
      // What is not signed may change: the number, the time, which blobs there are.
      if (verdict.ok) assert.deepEqual(verdict.head.commit, parsed.event.commit)
    }
  })
})

const car = vectorPath('firehose-corpus/repo.car')

describe('a repository of the network', { skip: car === undefined }, () => {
  const bytes = () => Uint8Array.from(readFileSync(car!))
  const expected = (name: string) =>
    readFileSync(vectorPath(`firehose-corpus/${name}`)!, 'utf8').trim()

  it('lists exactly its records', async () => {
    const lines = expected('car_expected_records.tsv').split('\n')
    const line = ({ path, cid }: { path: string; cid: CidBytes }) => `${path}\t${cidText(cid)}`
    assert.deepEqual(verifyRepoCar(bytes()).records.map(line).toSorted(), lines.toSorted())
    async function* chunks() {
      yield bytes().subarray(0, 3000)
      yield bytes().subarray(3000)
    }
    const streamed: string[] = []
    for await (const batch of (await readRepo(chunks())).records) streamed.push(...batch.map(line))
    assert.deepEqual(streamed.toSorted(), lines.toSorted())
  })

  it('has the commit it should have', () => {
    const { commit } = verifyRepoCar(bytes())
    const text = [
      `ATProto Repo Spec Version: ${commit.version}`,
      `DID: ${commit.did}`,
      `Data CID: ${cidText(commit.data)}`,
      `Prev CID: ${commit.prev === null ? '<nil>' : cidText(commit.prev)}`,
      `Revision: ${commit.rev}`,
    ].join('\n')
    assert.equal(text, expected('car_expected_commit.txt'))
  })

  it('is built again from its records, node for node', () => {
    const { records, commit, blocks } = verifyRepoCar(bytes())
    const tree = Tree.build(records.map(({ path, cid }) => [path, cid]))
    assert.deepEqual(tree.root(), commit.data)
    for (const [cid, content] of tree.blocks()) assert.deepEqual(blocks.get(cid), content)
  })
})

interface OldRepo {
  file: string
  version: 2 | 3
  count: number
  doc?: string
  /** What its signature is against the key of the document. */
  signature?: 'good' | 'refused'
}

const repos: OldRepo[] = [
  // Its document is another account's, with the same key.
  {
    file: 'greenground.repo.car',
    version: 3,
    count: 2,
    doc: 'greenground.didDoc.json',
    signature: 'good',
  },
  {
    file: 'paul_staging.repo.car',
    version: 2,
    count: 185,
    doc: 'paul_staging.didDoc.json',
    signature: 'good',
  },
  // Signed with P-256 and s in the upper half, which was allowed then.
  {
    file: 'fakermaker.repo.car',
    version: 2,
    count: 142,
    doc: 'fakermaker.didDoc.json',
    signature: 'refused',
  },
  { file: 'divy.repo', version: 2, count: 6 },
  // Signed before the key of the document was the account's.
  {
    file: 'bafyreieovfuizojpw3zresz7sx3nk4trm2by23pt5rxbey3jme4uo5ogiu.car',
    version: 2,
    count: 6,
    doc: 'did_plc_z5vnbioquyhivxirw3bbljmu.didDoc.json',
    signature: 'refused',
  },
]

for (const { file, version, count, doc: docFile, signature } of repos) {
  const path = vectorPath(`indigo/testing/${file}`)
  describe(`the old repository ${file.slice(0, 20)}`, { skip: path === undefined }, () => {
    const bytes = () => Uint8Array.from(readFileSync(path!))

    it('is read in version 2 or 3 as it is', () => {
      const { records, commit } = verifyRepoCar(bytes(), { version2: true })
      assert.equal(commit.version, version)
      assert.equal(records.length, count)
      const tree = Tree.build(records.map(({ path, cid }) => [path, cid]))
      assert.deepEqual(tree.root(), commit.data)
    })

    it('is taken for import only in version 3', () => {
      const refused = (error: unknown) =>
        error instanceof ProtocolError && error.code === 'InvalidCommit'
      if (version === 2) assert.throws(() => verifyRepoCar(bytes()), refused)
      else assert.equal(verifyRepoCar(bytes()).records.length, count)
    })

    it(`has a ${signature} signature`, { skip: docFile === undefined }, () => {
      const doc: DidDoc = JSON.parse(readFileSync(vectorPath(`indigo/testing/${docFile}`)!, 'utf8'))
      const options = { version2: true, keys: [signingKey(doc)] }
      const hasCode = (code: string) => (error: unknown) =>
        error instanceof ProtocolError && error.code === code
      if (signature === 'refused') {
        assert.throws(() => verifyRepoCar(bytes(), options), hasCode('InvalidSignature'))
        return
      }
      assert.equal(verifyRepoCar(bytes(), options).records.length, count)
      const did = 'did:web:example.com'
      assert.throws(() => verifyRepoCar(bytes(), { ...options, did }), hasCode('WrongRepo'))
    })
  })
}

const slice = vectorPath('indigo/testing/repo_slice.car')

describe('the slice of a repository that proves one record', { skip: slice === undefined }, () => {
  const path = 'app.bsky.feed.post/3jquh3emtzo2o'

  it('holds the record, and is no whole repository', () => {
    const bytes = Uint8Array.from(readFileSync(slice!))
    const { roots, blocks } = readCar(bytes)
    const source = new BlockMap()
    for (const block of blocks) source.add(block.cid, block.bytes)
    const { data } = decodeCommit(source.get(roots[0]!)!, { version2: true })
    const expected = JSON.parse(
      readFileSync(vectorPath('indigo/testing/repo_slice_record.json')!, 'utf8'),
    ) as { cid: string }
    assert.equal(cidText(Tree.open(data, source).get(path)!), expected.cid)
    assert.throws(() => verifyRepoCar(bytes, { version2: true }), /missing/)
  })
})

describe('commits from before inductive sync', () => {
  for (const name of ['4621317030', '4621317332', '4621332152', '4623075231']) {
    const path = vectorPath(`indigo/repo/firehose_commit_${name}.json`)
    it(`are read and held against their tree: ${name}`, { skip: path === undefined }, () => {
      const json: unknown = JSON.parse(readFileSync(path!, 'utf8'))
      const parsed = parseCommitEvent(fromJson(json))
      assert.ok(parsed.ok)
      const { event } = parsed
      assert.equal(event.prevData, undefined)
      // Nobody kept their authors' keys: here only what does not need one is looked at.
      const key = { verify: () => true } as unknown as PublicKey
      const nowMs = Date.parse(event.time)
      const reason = (lenient: boolean, changes: Partial<CommitEvent> = {}) => {
        const verdict = verifyCommitEvent({ ...event, ...changes }, { key, nowMs, lenient })
        return verdict.ok ? 'ok' : verdict.reason
      }
      assert.equal(reason(true, { since: event.rev }), 'ok')
      assert.equal(reason(false, { since: event.rev }), 'no-prev-data')
      const wrong = event.ops.map((op) => ({ ...op, cid: event.commit }))
      assert.equal(reason(true, { since: event.rev, ops: wrong }), 'op-mismatch')
      // Their proofs do not cover what undoing them would need; today's do.
      const { data } = decodeCommit(event.blocks.get(event.commit)!)
      assert.throws(() => invertOps(Tree.open(data, event.blocks), event.ops), /missing/)
      const blocks = fromBytes((fromJson(json) as { blocks: Bytes }).blocks)
      assert.deepEqual(encodeCar([event.commit], event.blocks), blocks)
    })
  }
})
