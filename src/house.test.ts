/** The house rules as tests over the source. A rule that is not here (or in a tool) is advice. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { NSID_FILE, fileRules as rules } from './house-rules.fixture.ts'
import {
  type Finding,
  foldersOf,
  ROOT,
  readTree,
  type SourceFile,
  sourceFile,
  textFiles,
} from './house-source.fixture.ts'

const README_HEADINGS = 'Owns Keeps Emits Promises Limits Gotchas Spec'.split(' ')
const README_LINES_MAX = 60
const STYLE_LINES_MAX = 150
const FILE_LINES_AIM = 500

const files: SourceFile[] = ['src', 'network', 'bench', 'web'].flatMap(readTree)
const rooms: string[] = ['protocol', 'platform', 'services', 'apps'].flatMap((floor) =>
  foldersOf(`src/${floor}`).map((room) => `${floor}/${room}`),
)
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const linesOf = (text: string) => text.trimEnd().split('\n').length

test('imports point down the floors, and never into a neighbour', () => every(rules.doors))

test('a room is entered by its door alone, and nothing climbs out of one', () => every(rules.paths))

test('each room imports only the packages listed for it', () => every(rules.packages))

test('the protocol and the services never speak to the machine', () => every(rules.machine))

test('types are erased as written: no enum, namespace or parameter property', () =>
  every(rules.erasable))

test('clock, chance, timers and network are handed in; the environment is read in one place', () =>
  every(rules.ambient))

test('names say something, and files are named alike', () => every(rules.names))

test('a door re-exports by name', () => every(rules.namedExports))

test('no test is left to run alone', () => every(rules.lonelyTests))

test('every room has its door and its page', () => {
  none(
    rooms.flatMap((room) => {
      const has = (name: string) => existsSync(join(ROOT, 'src', room, name))
      if (!has('index.ts')) return [`src/${room} has no index.ts`]
      if (!has('README.md')) return [`src/${room} has no README.md`]
      const page = read(`src/${room}/README.md`)
      const headings = [...page.matchAll(/^(?:#+ |\*\*)([A-Z]\w+)/gm)].map((match) => match[1]!)
      const missing = README_HEADINGS.filter((heading) => !headings.includes(heading))
      const tooLong = linesOf(page) > README_LINES_MAX
      return [
        ...missing.map((heading) => `src/${room}/README.md does not say ${heading}`),
        ...(tooLong ? [`src/${room}/README.md is over ${README_LINES_MAX} lines`] : []),
      ]
    }),
  )
})

test('ARCHITECTURE.md maps exactly the rooms that exist', () => {
  const rows = read('ARCHITECTURE.md').matchAll(/^\| `src\/([a-z]+\/[a-z]+)\/?` \|/gm)
  assert.deepEqual([...rows].map((row) => row[1]).toSorted(), rooms.toSorted())
})

test("a service's table of methods lists exactly the files of its methods", () => {
  none(
    rooms.flatMap((room) => {
      const folder = join(ROOT, 'src', room, 'methods')
      if (!existsSync(folder)) return []
      const isMethod = (name: string) => NSID_FILE.test(name) && !name.endsWith('.test.ts')
      const present = readdirSync(folder).filter(isMethod)
      const table = files.find(({ path }) => path === `src/${room}/methods.ts`)
      if (!table) return [`src/${room} has methods but no methods.ts`]
      const listed = table.imports
        .filter(({ target }) => target.startsWith('./methods/'))
        .map(({ target }) => target.slice('./methods/'.length))
        .filter(isMethod)
      const missing = (from: string[], to: string[]) => from.filter((name) => !to.includes(name))
      return [
        ...missing(present, listed).map((name) => `${room}: ${name} is not in methods.ts`),
        ...missing(listed, present).map((name) => `${room}: ${name} is listed and not there`),
      ]
    }),
  )
})

test('no file knows the machine it was written on', () => {
  const machinePath = /(?:^|[\s"'`(=:])(\/(?:work|root|Users|home\/[a-z][\w-]*)\/[\w.-]+)/
  none(
    [...textFiles()].flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, i) => {
        const match = machinePath.exec(line)
        return match ? [`${path}:${i + 1} ${match[1]}`] : []
      }),
    ),
  )
})

test('dependencies are pinned, explained, and come from no registry in particular', () => {
  assert.doesNotMatch(read('package-lock.json'), /"resolved": "http/)
  const why = read('docs/decisions/0002-dependencies.md')
  for (const path of ['package.json', 'web/package.json']) {
    const manifest = JSON.parse(read(path)) as Record<string, Record<string, string>>
    for (const field of ['dependencies', 'devDependencies', 'optionalDependencies'])
      for (const [name, version] of Object.entries(manifest[field] ?? {})) {
        assert.match(version, /^\d+\.\d+\.\d+$/, `${path}: ${name} must be pinned exactly`)
        assert.ok(why.includes(`\`${name}\``), `0002-dependencies.md does not explain ${name}`)
      }
  }
})

test('the lock file holds every package of every platform, or npm ci refuses it', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>
  }
  none(
    Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter(
          (name) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`],
        )
        .map((name) => `${path || 'the root'} wants ${name}, which is not in package-lock.json`),
    ),
  )
})

test('STYLE.md fits in a head', () => {
  assert.ok(linesOf(read('STYLE.md')) <= STYLE_LINES_MAX)
})

test('the largest files are known', (t) => {
  const largest = files.toSorted((a, b) => b.text.length - a.text.length).slice(0, 8)
  for (const { path, text } of largest)
    t.diagnostic(
      `${linesOf(text)} ${path}${linesOf(text) > FILE_LINES_AIM ? ': over the aim' : ''}`,
    )
  for (const room of rooms.filter((one) => one.startsWith('protocol/'))) {
    const sum = (tests: boolean) =>
      files
        .filter((file) => file.room === room && file.isTest === tests)
        .reduce((total, { text }) => total + linesOf(text), 0)
    if (sum(true) < sum(false)) t.diagnostic(`${room}: ${sum(false)} lines, ${sum(true)} of tests`)
  }
})

/** What each rule must catch, and what it must leave alone. */
const PROOFS: readonly [rule: keyof typeof rules, path: string, text: string, problem?: RegExp][] =
  [
    [
      'doors',
      'src/protocol/data/a.ts',
      "import { x } from '#protocol/repo'",
      /above protocol\/data/,
    ],
    ['doors', 'src/protocol/data/a.ts', "import { x } from '#protocol/syntax'"],
    ['doors', 'src/protocol/data/a.ts', "export { x } from '#platform/runtime'", /may not import/],
    ['doors', 'src/platform/runtime/a.ts', "await import('#protocol/syntax')", /may not import/],
    [
      'doors',
      'src/services/pds/a.ts',
      "import type { R } from '#services/relay'",
      /may not import/,
    ],
    [
      'doors',
      'src/services/pds/a.test.ts',
      "import { r } from '#services/relay'",
      /may not import/,
    ],
    ['doors', 'src/services/pds/a.ts', "import { r } from '#services/pds/repos'", /past the door/],
    ['doors', 'src/services/pds/a.ts', "let a: import('#services/plc').Plc", /may not import/],
    ['doors', 'src/services/pds/a.ts', "import { rig } from '#network/rig'", /test rig/],
    ['doors', 'src/apps/server/a.ts', "import { c } from '#apps/cli'", /may not import/],
    ['doors', 'src/apps/main.ts', "import { c } from '#apps/cli'"],
    ['doors', 'network/rig.ts', "import { serve } from '#apps/server'"],
    ['doors', 'bench/a.ts', "import { serve } from '#apps/server'", /may not import/],
    ['doors', 'web/src/a.ts', "import { p } from '#protocol/syntax'", /may not import/],
    ['doors', 'web/src/a.ts', "import { p } from 'falaj/protocol/syntax'"],
    ['paths', 'src/services/pds/a.ts', "import { r } from '../relay/b.ts'", /climbs out/],
    ['paths', 'src/services/pds/a.ts', "export * from '../../protocol/data/cid.ts'", /climbs out/],
    ['paths', 'src/services/pds/a.ts', "require('../plc/index.ts')", /climbs out/],
    ['paths', 'src/services/pds/a.ts', "import { b } from './b'", /extension/],
    ['paths', 'src/services/pds/blobs/a.ts', "import { b } from '../repos/index.ts'"],
    [
      'paths',
      'src/protocol/data/a.ts',
      "import { v } from '../../../network/vectors.ts'",
      /climbs/,
    ],
    ['paths', 'src/protocol/data/a.test.ts', "import { v } from '../../../network/vectors.ts'"],
    ['packages', 'src/protocol/data/a.ts', "import ws from 'ws'", /package ws/],
    [
      'packages',
      'src/protocol/data/a.ts',
      "await import('@noble/hashes/sha2.js')",
      /@noble\/hashes/,
    ],
    ['packages', 'src/protocol/data/a.test.ts', "import fc from 'fast-check'"],
    ['machine', 'src/protocol/data/a.ts', "import { join } from 'node:path'", /platform/],
    ['machine', 'src/protocol/data/a.ts', "import { join } from 'path'", /platform/],
    ['machine', 'src/services/pds/a.ts', "import type { S } from 'node:net'", /platform/],
    ['machine', 'src/protocol/crypto/keys.node.ts', "import { sign } from 'node:crypto'"],
    ['erasable', 'src/apps/cli/a.ts', 'export enum Colour { red }', /enum/],
    ['erasable', 'src/apps/cli/a.ts', 'namespace N { export const a = 1 }', /namespace/],
    ['erasable', 'src/apps/cli/a.ts', 'class A { constructor(private b: string) {} }', /parameter/],
    ['erasable', 'src/apps/cli/a.ts', 'declare global { interface Window { a: 1 } }'],
    ['ambient', 'src/platform/runtime/a.ts', 'setInterval(() => {}, 1)', /polls/],
    ['ambient', 'src/services/pds/a.ts', 'const t = Date.now()', /ambient/],
    ['ambient', 'src/services/pds/a.ts', 'const t = new Date()', /ambient/],
    ['ambient', 'src/services/pds/a.ts', 'const t = new Date(nowMs)'],
    ['ambient', 'src/services/pds/a.ts', "await fetch('http://a')", /ambient/],
    ['ambient', 'src/services/pds/a.ts', "const go = ({ fetch }: Net) => fetch('http://a')"],
    ['ambient', 'src/protocol/data/a.ts', 'const n = Math.random()', /ambient/],
    ['ambient', 'src/protocol/data/a.test.ts', 'const n = Math.random()'],
    ['ambient', 'src/platform/storage/a.ts', 'const p = process.env.HOME', /config tables/],
    ['ambient', 'src/platform/storage/a.ts', 'const t = Date.now()'],
    ['names', 'src/services/pds/account-manager.ts', '', /names nothing/],
    ['names', 'src/services/pds/account.ts', 'export class RequestContext {}', /names nothing/],
    ['names', 'src/services/pds/Account.ts', '', /kebab-case/],
    ['names', 'src/services/pds/methods/com.atproto.repo.createRecord.ts', ''],
    ['namedExports', 'src/protocol/data/index.ts', "export * from './cid.ts'", /names/],
    ['lonelyTests', 'src/protocol/data/a.test.ts', "test.only('a', () => {})", /only itself/],
  ]

test('the rules catch what they are for', () => {
  for (const [rule, path, text, problem] of PROOFS) {
    const found = rules[rule](sourceFile(path, text)).flatMap(([, one]) => (one ? [one] : []))
    if (problem) assert.match(found.join('\n'), problem, `${rule} misses: ${text} in ${path}`)
    else assert.deepEqual(found, [], `${rule} wrongly refuses: ${text} in ${path}`)
  }
})

/** Applies a rule to every file and fails with all findings at once. */
function every(look: (file: SourceFile) => readonly Finding[]): void {
  none(
    files.flatMap((file) =>
      look(file).flatMap(([line, problem]) => (problem ? [`${file.path}:${line} ${problem}`] : [])),
    ),
  )
}

function none(problems: readonly string[]): void {
  assert.ok(problems.length === 0, `\n${problems.join('\n')}\n`)
}
