/** Every official method is answered here, or it is said why not. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as lexicons from '@atcute/atproto'

/** Methods that no host answers, or that it passes on. */
const elsewhere: Readonly<Record<string, string>> = {
  'com.atproto.label.queryLabels': 'labelers answer it; a caller names one by atproto-proxy',
  'com.atproto.label.subscribeLabels': 'the stream of a labeler',
  'com.atproto.lexicon.resolveLexicon':
    'whoever reads lexicons of others answers it; a host reads none',
  'com.atproto.moderation.createReport':
    'passed on to the moderation service, in the name of its caller',
  'com.atproto.sync.getHostStatus': 'a relay answers it: what it knows of hosts',
  'com.atproto.sync.listHosts': 'a relay answers it: which hosts it reads',
  'com.atproto.sync.listReposByCollection': 'an index over many hosts answers it',
  'com.atproto.sync.notifyOfUpdate': 'a relay answers it, and did so once',
  'com.atproto.sync.requestCrawl': 'a relay answers it; a host asks it',
  'com.atproto.temp.dereferenceScope': 'of OAuth at an entryway',
  'com.atproto.temp.fetchLabels': 'of app views before there were labelers',
  'com.atproto.temp.requestPhoneVerification': 'of an entryway that asks for telephones',
}

interface OfficialMethod {
  type: string
  nsid: string
}

function official(): string[] {
  return Object.values(lexicons).flatMap((module) => {
    const main = (module as { mainSchema?: OfficialMethod }).mainSchema
    return main?.type?.startsWith('xrpc_') ? [main.nsid] : []
  })
}

/** Methods of the table that is routed, by the file each comes from. */
function routed(): string[] {
  const source = readFileSync(new URL('../methods.ts', import.meta.url), 'utf8')
  const table = /const table = \[([^\]]*)\]/.exec(source)![1]!
  // What wraps a method keeps its name inside.
  const names = Array.from(table.matchAll(/(\w+)\)*,/g), ([, name]) => name!)
  const imports = source.matchAll(/import \{ (?:\w+ as )?(\w+) \} from '\.\/methods\/(.+)\.ts'/g)
  const files = new Map(Array.from(imports, ([, name, nsid]) => [name!, nsid!]))
  return names.map((name) => files.get(name) ?? assert.fail(`${name} comes from no method's file`))
}

test('every official method is routed, or answered elsewhere for a reason', () => {
  const served = new Set(routed())
  assert.ok(official().length > 80, 'the lexicons are there')
  const missing = official().filter((nsid) => !served.has(nsid) && !(nsid in elsewhere))
  assert.deepEqual(missing, [])
})

test('what is said to be answered elsewhere is not answered here, and exists', () => {
  const served = new Set(routed())
  const known = new Set(official())
  for (const nsid of Object.keys(elsewhere)) {
    assert.ok(!served.has(nsid), `${nsid} is answered here`)
    assert.ok(known.has(nsid), `${nsid} is no official method`)
  }
})

test('every method’s file is in the table, once', () => {
  const files = readdirSync(import.meta.dirname)
    .filter((name) => /^[a-z]+(\.[a-zA-Z]+){2,}\.ts$/.test(name) && !name.endsWith('.test.ts'))
    .map((name) => name.slice(0, -'.ts'.length))
  assert.deepEqual(routed().sort(), files.sort())
})
