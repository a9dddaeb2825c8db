/** The source as the house test sees it: files, their rooms, what they import, their syntax trees. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, resolve } from 'node:path'
import { parseSync } from 'oxc-parser'

export const ROOT = resolve(import.meta.dirname, '..')

export interface Import {
  target: string
  line: number
}

export interface SourceFile {
  /** Relative to the root, with slashes. */
  path: string
  text: string
  /** `protocol`, `services`, …, `network`, `bench`, `web`. */
  floor: string
  /** `protocol/syntax`, or the floor where there are no rooms. */
  room: string
  isTest: boolean
  imports: Import[]
}

/** A line and what is wrong there; undefined is nothing. */
export type Finding = readonly [line: number, problem: string | undefined]

export interface Node {
  type: string
  start: number
  [key: string]: unknown
}

const TEST_FILE = /\.(test|test-support|fixture|conformance|bench|child)\.tsx?$/
/** Folders that are not ours to judge. */
const SKIPPED = new Set(['node_modules', 'dist', 'data', '.git', '.cache'])

export function sourceFile(path: string, text: string): SourceFile {
  const room = roomOf(path)
  const isTest = TEST_FILE.test(path) || path.startsWith('web/test/')
  return { path, text, floor: room.split('/')[0]!, room, isTest, imports: importsOf(path, text) }
}

/** Every TypeScript file below a folder of the root. */
export function readTree(folder: string): SourceFile[] {
  return listFiles(folder)
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => sourceFile(path, readFileSync(join(ROOT, path), 'utf8')))
}

/** Every file of the checkout that is text, except the lock file. */
export function* textFiles(): Generator<{ path: string; text: string }> {
  const binary = /\.(png|jpe?g|webp|woff2|ico|car|bin|gz|zst|sqlite|log)$/
  for (const path of listFiles(''))
    if (!binary.test(path) && path !== 'package-lock.json')
      yield { path, text: readFileSync(join(ROOT, path), 'utf8') }
}

export function foldersOf(path: string): string[] {
  if (!existsSync(join(ROOT, path))) return []
  return readdirSync(join(ROOT, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
}

function listFiles(folder: string): string[] {
  const from = join(ROOT, folder)
  if (!existsSync(from)) return []
  return readdirSync(from, { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return []
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    return entry.isDirectory() ? listFiles(path) : [path]
  })
}

export function roomOf(path: string): string {
  const [top, floor, room] = path.split('/') as [string, string?, string?]
  if (top !== 'src') return top
  const depth = path.split('/').length
  return depth > 3 ? `${floor}/${room}` : depth > 2 ? floor! : 'src'
}

/** Every module a file names: import, export from, import(), import types and require(). */
function importsOf(path: string, text: string): Import[] {
  const { module, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]!.message}`)
  const found = new Map<string, Import>()
  const put = (target: string, at: number) => {
    const line = lineAt(text, at)
    if (target !== '') found.set(`${target} ${line}`, { target, line })
  }
  for (const { moduleRequest, start } of module.staticImports) put(moduleRequest.value, start)
  for (const { entries } of module.staticExports)
    for (const { moduleRequest, start } of entries)
      if (moduleRequest) put(moduleRequest.value, start)
  for (const { moduleRequest, start } of module.dynamicImports)
    put(literalOf(text.slice(moduleRequest.start, moduleRequest.end)), start)
  // Import types and require are not in the module record; a string in a test may look like one.
  for (const match of text.matchAll(/\b(?:require|import)\(\s*(['"])([^'"\n]+)\1/g))
    if (!TEST_FILE.test(path)) put(match[2]!, match.index)
  return [...found.values()]
}

/** The text of a string literal; an expression cannot be judged, and none is needed. */
function literalOf(source: string): string {
  return /^\s*(['"`])([^'"`$]+)\1\s*$/.exec(source)?.[2] ?? ''
}

export function isPackage(target: string): boolean {
  return !/^[.#]|^falaj\//.test(target) && !isBuiltin(target)
}

export function packageName(target: string): string {
  return target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/')
}

export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return line
}

/** Walks the syntax tree of a file, asking of each node what is wrong with it. */
export function findings(file: SourceFile, look: (node: Node) => string | undefined): Finding[] {
  const found: Finding[] = []
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) walk(item)
    else if (typeof value === 'object' && value !== null) {
      const node = value as Node
      const problem = typeof node.type === 'string' ? look(node) : undefined
      if (problem) found.push([lineAt(file.text, node.start), problem])
      for (const key in node) walk(node[key])
    }
  }
  walk(parseSync(file.path, file.text).program)
  return found
}

/** Names a file binds itself (imports, parameters, destructured parts): those are handed in. */
export function boundNames(file: SourceFile): Set<string> {
  const names = new Set<string>()
  findings(file, (node) => {
    for (const one of bindingsOf(node)) if (one?.type === 'Identifier') names.add(String(one.name))
    return undefined
  })
  return names
}

function bindingsOf(node: Node): Node[] {
  if (node.type === 'ObjectPattern')
    return (node.properties as Node[]).map((property) => property.value as Node)
  if (node.type === 'VariableDeclarator') return [node.id as Node]
  if (node.type === 'ImportSpecifier') return [node.local as Node]
  return Array.isArray(node.params) ? (node.params as Node[]) : []
}

/** `a.b.c` of a plain chain of names, else nothing. */
export function nameOf(node: Node): string {
  if (node.type === 'Identifier') return node.name as string
  if (node.type !== 'MemberExpression' || node.computed) return ''
  return `${nameOf(node.object as Node)}.${nameOf(node.property as Node)}`
}
