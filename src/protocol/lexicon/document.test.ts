import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fullRef, isDefinitionName, isRef } from './document.ts'

test('references are made full, and main goes without its name', () => {
  const cases: [ref: string, full: string][] = [
    ['#thing', 'a.b.c#thing'],
    ['#main', 'a.b.c'],
    ['x.y.z', 'x.y.z'],
    ['x.y.z#thing', 'x.y.z#thing'],
    ['x.y.z#main', 'x.y.z'],
    ['x.y.z#mainland', 'x.y.z#mainland'],
  ]
  for (const [ref, full] of cases) {
    assert.equal(fullRef(ref, 'a.b.c'), full)
    assert.equal(fullRef(full, 'other.doc.ument'), full, 'what is full stays so anywhere')
  }
})

test('a reference is an NSID, a name of the same document, or both', () => {
  for (const ref of ['#a', 'a.b.c', 'a.b.c#d', 'com.example.someThing#viewBasic2']) {
    assert.equal(isRef(ref), true, ref)
  }
  for (const ref of [
    '',
    '#',
    'a',
    'a.b',
    '#a#b',
    'a.b.c#',
    'a.b#c',
    '#1a',
    '#a-b',
    'a.b.c #d',
    null,
    1,
    {},
  ]) {
    assert.equal(isRef(ref), false, String(ref))
  }
})

test('definition names are letters and digits, a letter first', () => {
  for (const name of ['main', 'a', 'viewBasic', 'v2'])
    assert.equal(isDefinitionName(name), true, name)
  for (const name of ['', '2v', 'view_basic', 'a.b', 'ä', '__proto__', 'a\n']) {
    assert.equal(isDefinitionName(name), false, JSON.stringify(name))
  }
})

test('arbitrary text is a reference or not', () => {
  const text = fc.oneof(
    fc.string(),
    fc.tuple(fc.constantFrom('a.b.c', 'a.b', ''), fc.string()).map(([id, name]) => `${id}#${name}`),
  )
  fc.assert(
    fc.property(text, (ref) => {
      if (!isRef(ref)) return
      const full = fullRef(ref, 'test.document.id')
      assert.equal(isRef(full), true)
      assert.equal(full.startsWith('#'), false)
    }),
    { numRuns: 2000 },
  )
})
