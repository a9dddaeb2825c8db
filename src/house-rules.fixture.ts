/** The rules of the house, each a function of one file. house.test.ts applies them and proves them. */
import { isBuiltin } from 'node:module'
import { dirname, relative, resolve } from 'node:path'
import {
  boundNames,
  type Finding,
  findings,
  isPackage,
  lineAt,
  type Node,
  nameOf,
  packageName,
  ROOT,
  roomOf,
  type SourceFile,
} from './house-source.fixture.ts'

/** Rooms of the ground floor, lowest first; each may import only those before it. */
const PROTOCOL = 'syntax data crypto lexicon repo identity xrpc auth label account'.split(' ')

/** Floors that code of a floor may import; services besides that only their own room. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  protocol: ['protocol'],
  platform: ['platform'],
  services: ['protocol', 'platform'],
  apps: ['protocol', 'platform', 'services'],
  // The rig starts what people start: decision 0004.
  network: ['protocol', 'platform', 'services', 'apps', 'network'],
  bench: ['protocol', 'platform', 'services', 'network'],
  web: [],
}

/** External packages by room. What is not listed may not be imported; tests add TEST_PACKAGES. */
const PACKAGES: Record<string, readonly string[]> = {
  'protocol/data': ['@atcute/cbor', '@atcute/cid', '@atcute/car'],
  'protocol/crypto': ['@noble/curves', '@noble/hashes', 'secp256k1'],
  'protocol/lexicon': ['@atcute/lexicons', '@atcute/atproto', '@atcute/bluesky', '@atcute/ozone'],
  'protocol/xrpc': ['@atcute/lexicons'],
  'protocol/account': ['@atcute/lexicons', '@atcute/atproto', '@atcute/bluesky'],
  'platform/storage': ['@redis/client', 'pg'],
  'platform/runtime': ['@node-rs/argon2', 'undici', 'ws', 'ipaddr.js', 'nodemailer'],
  'services/pds': [
    ...['@atcute/lexicons', '@atcute/atproto', '@atcute/bluesky'],
    '@simplewebauthn/server',
  ],
  'services/relay': ['@atcute/lexicons', '@atcute/atproto'],
  'services/jetstream': ['@atcute/lexicons', '@atcute/atproto'],
  'services/moderation': ['@atcute/lexicons', '@atcute/atproto', '@atcute/ozone'],
  'services/feeds': ['@atcute/lexicons', '@atcute/atproto', '@atcute/bluesky'],
  'services/appview': ['@atcute/lexicons', '@atcute/atproto', '@atcute/bluesky'],
  'services/images': ['sharp'],
  'services/vault': ['@atcute/lexicons', '@atcute/atproto'],
  'services/search': ['@atcute/lexicons', '@atcute/bluesky'],
  'apps/cli': ['@atcute/lexicons', '@atcute/atproto'],
  web: ['preact', '@preact/signals', '@fontsource-variable/readex-pro', 'esbuild'],
}
const TEST_PACKAGES = [
  ...['fast-check', '@atproto/api', '@atproto/identity', '@atproto/repo', '@atproto/sync'],
  ...['@atproto/oauth-client-node', '@atproto/oauth-client-browser', 'esbuild'],
  ...['playwright-core', 'oxc-parser', 'pg', 'sharp', 'ws', 'undici'],
  ...['@atcute/cbor', '@atcute/cid', '@atcute/car', '@atcute/lexicons', '@atcute/atproto'],
  ...['@atcute/bluesky', '@atcute/ozone', '@noble/curves', '@noble/hashes'],
]

/** The rooms that read our own lexicon documents, in `lexicons/`. */
const READS_LEXICONS = ['protocol/account']

/** Files of the ground floor that speak to the machine: the crypto room's Node back. */
const NODE_FILE = /^src\/protocol\/crypto\/[\w-]+\.node\.ts$/
/** Where the environment may be read: the program, the rig, the builder of the client. */
const READS_ENVIRONMENT = /^(src\/apps\/|network\/|bench\/|web\/(build|test))/

/** The ways out of a room by path. */
const PATHS_OUT = new Set([
  'src/apps/server/web/build-web.ts → web/build.ts', // the server builds a stale client
  'bench/protocol.ts → src/protocol/crypto/index.ts', // the browser's back, measured beside Node's
])

const EMPTY_TYPE_NAME = /(Manager|Helper|Helpers|Util|Utils|Common|Context|Impl)$/
const EMPTY_FILE_NAME = /(^|-)(manager|helpers?|utils?|common|context|impl|misc)$/
const KEBAB =
  /^[a-z0-9]+(-[a-z0-9]+)*(\.(node|test|test-support|fixture|conformance|bench|child|slow|long|d))*\.tsx?$/
/** A file named by the method it answers. */
export const NSID_FILE = /^[a-z]+(\.[a-zA-Z0-9-]+){2,}\.ts$/

/** Tests and the rig around them: they may look deeper, and use what only tests need. */
function isRig(file: SourceFile): boolean {
  return file.isTest || file.floor === 'network' || file.floor === 'bench'
}

function eachImport(
  file: SourceFile,
  fits: (target: string) => boolean,
  judge: (target: string) => string | undefined,
): Finding[] {
  return file.imports
    .filter(({ target }) => fits(target))
    .map(({ target, line }) => [line, judge(target)])
}

/** Imports through doors: down the floors, never into a neighbour, never past the door. */
function doors(file: SourceFile): Finding[] {
  const isDoor = (target: string) => target.startsWith('#') || target.startsWith('falaj/')
  return eachImport(file, isDoor, (target) => whyNotDoor(file, target))
}

function whyNotDoor(file: SourceFile, target: string): string | undefined {
  if (target.startsWith('falaj/')) {
    const inside = target.startsWith('falaj/protocol/') && file.floor === 'web'
    return inside ? undefined : `${target}: only web enters the protocol this way, and only that`
  }
  const [floor, room, ...rest] = target.slice(1).split('/') as [string, string?, ...string[]]
  if (floor === 'lexicons' && READS_LEXICONS.includes(file.room)) return undefined
  if (rest.length > 0) return `${target} goes past the door`
  if (floor === 'network') return isRig(file) ? undefined : `${target} is the test rig`
  if (`${floor}/${room}` === file.room)
    return file.isTest ? undefined : `${target} is this room itself: use a relative path`
  // The program beside the apps is what joins them; the client's tests stand outside it.
  if (file.path === 'src/apps/main.ts' && floor === 'apps') return undefined
  if (file.floor === 'web' && file.isTest) return undefined
  if (!MAY_IMPORT[file.floor]?.includes(floor)) return `${file.floor} may not import ${target}`
  const upward =
    file.floor === 'protocol' &&
    PROTOCOL.indexOf(room!) >= PROTOCOL.indexOf(file.room.split('/')[1]!)
  return upward && !file.isTest ? `${target} is above ${file.room}` : undefined
}

/** Relative imports stay inside the room and name their extension. */
function paths(file: SourceFile): Finding[] {
  const isPath = (target: string) => target.startsWith('.')
  return eachImport(file, isPath, (target) => whyNotPath(file, target))
}

function whyNotPath(file: SourceFile, target: string): string | undefined {
  const to = relative(ROOT, resolve(ROOT, dirname(file.path), target))
  if (roomOf(to) === file.room)
    return /\.(tsx?|json|css|svg|md)$/.test(to) ? undefined : `${target} needs its extension`
  if (file.isTest && to === 'network/vectors.ts') return undefined
  if (isRig(file) && /^(network|bench)\/|^package\.json$/.test(to)) return undefined
  if (file.floor === 'web' && file.isTest) return undefined
  if (PATHS_OUT.has(`${file.path} → ${to}`)) return undefined
  return `climbs out of its room to ${to}`
}

/** Each room imports only the packages listed for it. */
function packages(file: SourceFile): Finding[] {
  return eachImport(file, isPackage, (target) => {
    const name = packageName(target)
    const allowed =
      PACKAGES[file.room]?.includes(name) || (isRig(file) && TEST_PACKAGES.includes(name))
    return allowed ? undefined : `${file.room} may not import the package ${name}`
  })
}

/** The protocol and the services never speak to the machine. */
function machine(file: SourceFile): Finding[] {
  const pure = file.floor === 'protocol' || file.floor === 'services'
  if (!pure || file.isTest || NODE_FILE.test(file.path)) return []
  return eachImport(file, isBuiltin, (target) => `${target} is for the platform`)
}

/** Only types that erase as written. */
function erasable(file: SourceFile): Finding[] {
  const suspicious =
    /\b(enum|namespace|module)\s+[\w'"]|\bconstructor\s*\([^)]*\b(private|public|protected|readonly)\b/s
  if (!suspicious.test(file.text)) return []
  return findings(file, (node) => {
    if (node.type === 'TSEnumDeclaration') return 'an enum'
    if (node.type === 'TSParameterProperty') return 'a parameter property'
    if (node.type === 'TSModuleDeclaration' && node.kind === 'namespace') return 'a namespace'
    return undefined
  })
}

/** Clock, chance, timers and network are handed in; the environment is read in one place. */
function ambient(file: SourceFile): Finding[] {
  const suspicious =
    /\bsetInterval\b|\bMath\.random\b|\bDate\b|\bprocess\.env\b|\bfetch\(|\bsetTimeout\b|\bsetImmediate\b|getRandomValues|randomUUID/
  if (file.isTest || !suspicious.test(file.text)) return []
  const bound = boundNames(file)
  return findings(file, (node) => whyNotAmbient(file, node, bound))
}

function whyNotAmbient(
  file: SourceFile,
  node: Node,
  bound: ReadonlySet<string>,
): string | undefined {
  const pure = file.floor === 'protocol' || file.floor === 'services'
  const callee = node.type === 'CallExpression' ? nameOf(node.callee as Node) : ''
  if (callee === 'setInterval' && file.floor !== 'web')
    return 'setInterval polls: wait for what is to happen'
  if (node.type === 'MemberExpression' && nameOf(node) === 'process.env')
    return READS_ENVIRONMENT.test(file.path)
      ? undefined
      : 'the environment is read by the apps, through config tables'
  if (!pure) return undefined
  if (callee === 'Math.random' || callee === 'Date.now') return `${callee} is ambient`
  if (node.type === 'NewExpression' && nameOf(node.callee as Node) === 'Date')
    return (node.arguments as unknown[]).length === 0 ? 'new Date() is ambient' : undefined
  if (['fetch', 'setTimeout', 'setImmediate'].includes(callee) && !bound.has(callee))
    return `${callee} is ambient`
  if (/^(globalThis\.)?crypto\.(getRandomValues|randomUUID)$/.test(callee))
    return file.room === 'protocol/crypto' ? undefined : `${callee} is ambient`
  return undefined
}

/** Names say something, and files are named alike. */
function names(file: SourceFile): Finding[] {
  const found: Finding[] = []
  const name = file.path.split('/').at(-1)!
  if (EMPTY_FILE_NAME.test(name.replace(/\..*$/, '')))
    found.push([1, `the file name ${name} names nothing`])
  if (!KEBAB.test(name) && !NSID_FILE.test(name))
    found.push([1, 'the file name is neither kebab-case nor an NSID'])
  for (const match of file.text.matchAll(
    /^(?:export )?(?:class|interface|type|function|const) (\w+)/gm,
  ))
    if (EMPTY_TYPE_NAME.test(match[1]!) && /^[A-Z]/.test(match[1]!))
      found.push([lineAt(file.text, match.index), `${match[1]} ends in a word that names nothing`])
  return found
}

/** A door names what it exports. */
function namedExports(file: SourceFile): Finding[] {
  if (!/\/index(\.node)?\.ts$/.test(file.path)) return []
  return [...file.text.matchAll(/^export \* /gm)].map((match) => [
    lineAt(file.text, match.index),
    'a door names what it exports',
  ])
}

/** No test runs alone. */
function lonelyTests(file: SourceFile): Finding[] {
  if (!file.isTest || file.path.startsWith('src/house')) return []
  return [...file.text.matchAll(/\b(?:test|it|describe)\.only\(|\bonly: true/g)].map((match) => [
    lineAt(file.text, match.index),
    'runs only itself',
  ])
}

export const fileRules = {
  doors,
  paths,
  packages,
  machine,
  erasable,
  ambient,
  names,
  namedExports,
  lonelyTests,
}
