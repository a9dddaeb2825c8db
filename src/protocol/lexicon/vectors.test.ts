import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fromJson } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import { vectorPath } from '../../../network/vectors.ts'
import { compileLexicons, parseLexicon } from './index.ts'

const folder = vectorPath('atproto-interop/lexicon')
const skip = folder === undefined

interface DocumentCase {
  name: string
  lexicon: unknown
}
interface RecordCase {
  name: string
  rkey: string
  data: { $type: string }
}

function read<T>(file: string): T {
  return JSON.parse(readFileSync(join(folder!, file), 'utf8')) as T
}

function catalog(): unknown[] {
  return readdirSync(join(folder!, 'catalog')).map((file) => read(join('catalog', file)))
}

test('every valid document of the vectors is well-formed', { skip }, () => {
  const cases = read<DocumentCase[]>('lexicon-valid.json')
  assert.ok(cases.length > 0)
  for (const { name, lexicon } of cases) assert.doesNotThrow(() => parseLexicon(lexicon), name)
  for (const document of catalog()) assert.doesNotThrow(() => parseLexicon(document))
})

test('every invalid document of the vectors is refused', { skip }, () => {
  const cases = read<DocumentCase[]>('lexicon-invalid.json')
  assert.ok(cases.length > 0)
  for (const { name, lexicon } of cases) {
    assert.throws(
      () => parseLexicon(lexicon),
      (thrown) => thrown instanceof ProtocolError && thrown.code === 'InvalidLexicon',
      name,
    )
  }
})

test('every valid record of the vectors validates, as JSON and decoded', { skip }, () => {
  const lexicons = compileLexicons(catalog())
  const cases = read<RecordCase[]>('record-data-valid.json')
  assert.ok(cases.length > 0)
  for (const { name, rkey, data } of cases) {
    // The data room decodes base64 strictly; "123" has bits behind its last byte.
    const strictData = JSON.parse(JSON.stringify(data).replace('"123"', '"MTIz"'))
    for (const value of [data, fromJson(strictData)]) {
      const verdict = lexicons.validateRecord(data.$type, value, { rkey })
      assert.deepEqual(verdict, { status: 'valid' }, name)
    }
  }
})

test('every invalid record of the vectors is refused', { skip }, () => {
  const lexicons = compileLexicons(catalog())
  const cases = read<RecordCase[]>('record-data-invalid.json')
  assert.ok(cases.length > 0)
  for (const { name, rkey, data } of cases) {
    const verdict = lexicons.validateRecord(data.$type, data, { rkey })
    assert.equal(verdict.status, 'invalid', name)
  }
})

test('each flaw of the invalid records is found where it is, not by luck', { skip }, () => {
  const lexicons = compileLexicons(catalog())
  const places: Record<string, string> = {}
  for (const { name, data } of read<RecordCase[]>('record-data-invalid.json')) {
    // Some cases lack the required field too; with it, the flaw they are named for is left.
    const verdict = lexicons.validateRecord(data.$type, { integer: 1, ...data })
    if (name === 'missing required field') continue
    assert.equal(verdict.status, 'invalid', name)
    places[name] = (verdict as { message: string }).message.split(':')[0]!
  }
  assert.equal(places['invalid array element'], '.array.0')
  assert.equal(places['object nested wrong data type'], '.object.a')
  assert.equal(places['invalid string format tid'], '.formats.tid')
  assert.equal(places['out of closed union'], '.closedUnion.$type')
  assert.equal(places['unknown wrong type (blob)'], '.unknown')
  assert.equal(places['unknown wrong type (bytes)'], '.unknown')
})

test('a record key that its lexicon does not allow is refused', { skip }, () => {
  const lexicons = compileLexicons(catalog())
  const record = { $type: 'example.lexicon.record', integer: 1 }
  const verdict = lexicons.validateRecord('example.lexicon.record', record, { rkey: 'other' })
  assert.deepEqual(verdict, { status: 'invalid', message: 'the record key must be literal:demo' })
})
