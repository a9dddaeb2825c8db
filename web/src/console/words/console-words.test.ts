/** Both catalogues of the console say the same things, and its source uses each of them. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Entry, type Forms, parts } from '../../words/catalogue.ts'
import { ar } from './ar.ts'
import { en } from './en.ts'

const root = join(import.meta.dirname, '..')
const source = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !name.startsWith('words'))
  .map((name) => readFileSync(join(root, name), 'utf8'))
  .join('\n')

const forms = (entry: Entry): string[] =>
  typeof entry === 'string' ? [entry] : Object.values(entry as Forms)
const blanks = (entry: Entry) =>
  [
    ...new Set(
      forms(entry).flatMap((form) =>
        parts(form).flatMap((part) => (typeof part === 'string' ? [] : [part.blank])),
      ),
    ),
  ].filter((name) => name !== 'n')

describe("the console's catalogues", () => {
  it('have the same keys and blanks', () => {
    assert.deepEqual(Object.keys(ar).sort(), Object.keys(en).sort())
    for (const key of Object.keys(en) as (keyof typeof en)[])
      assert.deepEqual(blanks(ar[key]), blanks(en[key]), key)
  })

  it('are in their own languages', () => {
    // A language is called by its own name, and an address as it is typed.
    for (const [key, entry] of Object.entries(ar)) {
      if (key === 'language') continue
      for (const form of forms(entry)) {
        assert.match(form, /\p{Script=Arabic}/u, key)
        assert.doesNotMatch(form.replace(/\{\w+\}/g, ''), /\p{Script=Latin}|[?,;]|\d/u, key)
      }
    }
    for (const [key, entry] of Object.entries(en)) {
      if (key === 'language') continue
      for (const form of forms(entry)) assert.doesNotMatch(form, /\p{Script=Arabic}|'/u, key)
    }
  })

  it('are used, word by word', () => {
    const literal = new Set([...source.matchAll(/'([a-zA-Z.]+)'/g)].map((match) => match[1]))
    const patterns = [...source.matchAll(/`([a-zA-Z.]*)\$\{[^`]+`/g)]
      .map((match) => match[1]!)
      .filter((start) => start.endsWith('.'))
    const unused = Object.keys(en).filter(
      (key) => !literal.has(key) && !patterns.some((start) => key.startsWith(start)),
    )
    assert.deepEqual(unused, [])
  })
})
