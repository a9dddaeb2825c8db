/** Both catalogues say the same things, the source uses each of them, and says nothing besides. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parseSync } from 'oxc-parser'
import { ar } from './ar.ts'
import { choose, type Entry, type Forms, parts } from './catalogue.ts'
import { en } from './en.ts'

const catalogues: Record<string, Record<string, Entry>> = { ar, en }
const root = join(import.meta.dirname, '..')

const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !/\.test\.|\.d\.ts$|^words\/(ar|en)\.ts$/.test(name))
  .map((name) => ({ name, text: readFileSync(join(root, name), 'utf8') }))

const forms = (entry: Entry): string[] =>
  typeof entry === 'string' ? [entry] : Object.values(entry as Forms)

const blanks = (entry: Entry): string[] => {
  const names = forms(entry).flatMap((form) =>
    parts(form).flatMap((part) => (typeof part === 'string' ? [] : [part.blank])),
  )
  return [...new Set(names)].filter((name) => name !== 'n').sort()
}

describe('the catalogues', () => {
  it('have the same keys', () => {
    assert.deepEqual(Object.keys(ar).sort(), Object.keys(en).sort())
  })

  it('fill the same blanks', () => {
    for (const key of Object.keys(en)) {
      assert.deepEqual(blanks(ar[key as keyof typeof en]), blanks(catalogues.en![key]!), key)
    }
  })

  it('leave no form empty, doubled in spaces or with spaces at its ends', () => {
    for (const [language, catalogue] of Object.entries(catalogues)) {
      for (const [key, entry] of Object.entries(catalogue)) {
        for (const form of forms(entry)) {
          assert.match(form, /\S/, `${language} ${key}`)
          assert.doesNotMatch(form, /^\s|\s$|\s\s/, `${language} ${key}`)
        }
      }
    }
  })

  it('are in their own languages: Arabic letters in the one, none in the other', () => {
    // A language is called by its own name, and what is typed in Latin letters is shown in them.
    const foreign = new Set(['language.ar', 'language.en', 'image.altMark'])
    for (const key of Object.keys(en) as (keyof typeof en)[]) {
      if (foreign.has(key)) continue
      for (const form of forms(ar[key])) {
        assert.match(form, /\p{Script=Arabic}/u, `ar ${key}`)
        const latin = form.replace(/\{\w+\}|sara\.example|\bDID\b|\ba إلى z\b/g, '')
        assert.doesNotMatch(latin, /\p{Script=Latin}/u, `ar ${key} has Latin letters`)
        assert.doesNotMatch(latin, /[?,;]|\d/, `ar ${key} has Latin punctuation or digits`)
      }
      for (const form of forms(en[key])) {
        assert.doesNotMatch(form, /\p{Script=Arabic}/u, `en ${key}`)
        assert.doesNotMatch(form, /'/, `en ${key} has a straight apostrophe`)
      }
    }
  })

  it('have every Arabic form that a count can take', () => {
    const rules = new Intl.PluralRules('ar')
    for (const [key, entry] of Object.entries(ar)) {
      if (typeof entry === 'string') continue
      assert.ok(entry.other, key)
      for (const count of [1, 2, 3, 11, 100]) {
        const form = choose(entry, count, rules)
        // One and two are words of their own; a bare digit there is a translation, not Arabic.
        if (count <= 2 && entry.one && entry.two)
          assert.doesNotMatch(form, /\{n\}/, `${key} ${count}`)
      }
    }
  })
})

describe('the source', () => {
  const everything = sources.map(({ text }) => text).join('\n')

  it('uses every key', () => {
    const literal = new Set([...everything.matchAll(/'([a-zA-Z.!-]+)'/g)].map((match) => match[1]))
    const patterns = [...everything.matchAll(/`([a-zA-Z.]*\$\{[^`]+)`/g)].map(
      ([, template]) =>
        new RegExp(`^${template!.replace(/\./g, '\\.').replace(/\$\{[^}]*\}/g, '[a-zA-Z!-]+')}$`),
    )
    const unused = Object.keys(en).filter(
      (key) => !literal.has(key) && !patterns.some((pattern) => pattern.test(key)),
    )
    assert.deepEqual(unused, [])
  })

  it('says nothing that is not in the catalogues', () => {
    const found = sources.flatMap(({ name, text }) =>
      name.endsWith('.tsx') ? spoken(name, text).map((words) => `${name}: ${words}`) : [],
    )
    assert.deepEqual(found, [])
  })

  it('is read by eyes that see such words', () => {
    const page = `const A = () => <p title="Fine day" class="not-heard">Hello {yes ? 'there' : t('x')}</p>`
    assert.deepEqual(spoken('a.tsx', page).sort(), ['Fine day', 'Hello', 'there'])
    assert.deepEqual(spoken('b.tsx', `say('Saved')`), ['Saved'])
  })

  it('never sets HTML from text', () => {
    assert.doesNotMatch(everything, /innerHTML|outerHTML|insertAdjacentHTML|document\.write/)
  })

  it('opens other places without handing over the page', () => {
    for (const { name, text } of sources) {
      for (const [link] of text.matchAll(/<a\b[^>]*target="_blank"[^>]*>/g)) {
        assert.match(link, /rel="[^"]*noopener/, name)
      }
    }
  })
})

const heard = new Set(['aria-label', 'title', 'alt', 'placeholder', 'label', 'hint', 'legend'])
// Shapes of what one types, the same in any language.
const shapes = /^(sara|pds)\.example$/

interface Node {
  type: string
  [field: string]: unknown
}

/** Words written straight into markup: text between tags, and attributes that are read or shown. */
function spoken(name: string, text: string): string[] {
  const words: string[] = []
  const note = (value: unknown) => {
    if (typeof value === 'string' && /\p{L}{2}/u.test(value) && !shapes.test(value)) {
      words.push(value.trim())
    }
  }
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) for (const one of node) walk(one)
    if (node === null || typeof node !== 'object' || !('type' in node)) return
    const { type, ...fields } = node as Node
    if (type === 'JSXText') note(fields.value)
    if (type === 'JSXElement' || type === 'JSXFragment') {
      for (const child of fields.children as Node[]) {
        if (child.type === 'JSXExpressionContainer') literals(child.expression as Node, note)
      }
    }
    if (type === 'JSXAttribute' && heard.has(String((fields.name as Node).name))) {
      const value = fields.value as Node | null
      literals((value?.expression as Node) ?? value, note)
    }
    if (type === 'CallExpression' && (fields.callee as Node).name === 'say') {
      literals((fields.arguments as Node[])[0]!, note)
    }
    for (const value of Object.values(fields)) walk(value)
  }
  walk(parseSync(name, text).program.body)
  return words
}

/** The texts that an expression may come to, as far as they are written in it. */
function literals(node: Node | null, note: (value: unknown) => void): void {
  if (node?.type === 'Literal') note(node.value)
  if (node?.type === 'TemplateLiteral') {
    for (const part of node.quasis as Node[]) note((part.value as { cooked: string }).cooked)
  }
  for (const branch of ['consequent', 'alternate', 'right']) {
    if (node?.type === 'ConditionalExpression' || node?.type === 'LogicalExpression') {
      literals((node[branch] as Node) ?? null, note)
    }
  }
}
