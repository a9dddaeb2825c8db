import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isDid, isHandle, isNsid, isRecordKey, parseHandle } from './index.ts'

const letters = [...'abcdefghijklmnopqrstuvwxyz']
const inner = fc.constantFrom(...letters, ...'AZ0189-')
const outer = fc.constantFrom(...letters, ...'AZ0189')

/** One label of a domain: hyphens only inside. */
const label = fc
  .tuple(outer, fc.string({ unit: inner, maxLength: 20 }), outer)
  .map((parts) => parts.join(''))
const top = fc.tuple(fc.constantFrom(...letters), label).map((parts) => parts.join(''))
const labels = fc.array(label, { minLength: 1, maxLength: 5 })

test('a handle is made of labels, the last of which begins with a letter', () => {
  fc.assert(
    fc.property(labels, top, (labels, top) => {
      const handle = [...labels, top].join('.')
      assert.equal(isHandle(handle), true)
      assert.equal(parseHandle(handle), handle.toLowerCase())
      assert.equal(isHandle(parseHandle(handle)), true)
      assert.equal(isHandle([...labels, `0${top}`].join('.')), false)
    }),
  )
})

test('a handle with anything put in that no label has is none', () => {
  const foreign = fc.constantFrom(...'@:/_ \t\n%#?*é💩'.split(''))
  fc.assert(
    fc.property(labels, top, foreign, fc.nat(), (labels, top, character, position) => {
      const handle = [...labels, top].join('.')
      const at = position % (handle.length + 1)
      assert.equal(isHandle(handle.slice(0, at) + character + handle.slice(at)), false)
    }),
  )
})

test('an NSID is a domain reversed and a name without hyphens', () => {
  const name = fc
    .tuple(
      fc.constantFrom(...letters),
      fc.string({ unit: fc.constantFrom(...letters, ...'AZ09'), maxLength: 62 }),
    )
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(top, labels, name, (top, labels, name) => {
      assert.equal(isNsid([top, ...labels, name].join('.')), true)
      assert.equal(isNsid([top, ...labels, `${name}-a`].join('.')), false)
      assert.equal(isNsid([top, ...labels, `0${name}`].join('.')), false)
      assert.equal(isNsid([`0${top}`, ...labels, name].join('.')), false)
      assert.equal(isNsid([top, name].join('.')), false)
    }),
  )
})

test('a DID is a method in lower case and an identifier that does not end in : or %', () => {
  const method = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 10 })
  const characters = fc.constantFrom(...letters, ...'AZ09._:%-')
  const identifier = fc.tuple(fc.string({ unit: characters, maxLength: 100 }), outer)
  fc.assert(
    fc.property(method, identifier, (method, identifier) => {
      const did = `did:${method}:${identifier.join('')}`
      assert.equal(isDid(did), true)
      for (const end of [':', '%', '/', '?a', '#a', ' ']) assert.equal(isDid(did + end), false)
      assert.equal(isDid(`did:${method}1:x`), false)
      assert.equal(isDid(did.toUpperCase()), false)
    }),
  )
})

test('a record key is any of 67 characters, but not a dot or two', () => {
  for (let code = 0; code < 0x300; code++) {
    const character = String.fromCharCode(code)
    const allowed = /[A-Za-z0-9._:~-]/.test(character)
    assert.equal(isRecordKey(`a${character}`), allowed)
    assert.equal(isRecordKey(character), allowed && character !== '.')
  }
  assert.equal(isRecordKey('..'), false)
  assert.equal(isRecordKey('...'), true)
  assert.equal(isRecordKey(''), false)
})
