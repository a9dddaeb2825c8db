import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readyLine, readyText } from './ready.ts'

const entry = (kind: string, name: string, did?: string) => ({
  kind,
  name,
  url: `http://localhost/${name}`,
  did,
  about: {},
})

test('the ready line lists what was started, hosts always as an array', () => {
  const started = [
    entry('plc', 'plc'),
    entry('pds', 'pds', 'did:plc:a'),
    entry('pds', 'pds2', 'did:plc:b'),
  ]
  assert.equal(
    readyLine(started),
    '{"ready":true,"services":{"plc":{"url":"http://localhost/plc"},"pds":[' +
      '{"url":"http://localhost/pds","did":"did:plc:a"},' +
      '{"url":"http://localhost/pds2","did":"did:plc:b"}]}}',
  )
  assert.ok(!readyLine(started).includes('\n'))
})

test('people are told where to go', () => {
  const text = readyText([entry('plc', 'plc'), entry('web', 'web')], 1234)
  assert.match(text, /1\.2 s/)
  assert.match(text, /Open http:\/\/localhost\/web/)
})
