import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  ConfigError,
  type ConfigSources,
  type ConfigTable,
  config,
  configLines,
  configMarkdown,
  flagsOf,
  readConfig,
} from './config.ts'
import { readFlags } from './flags.ts'
import { choice, flag, integer, list, text, url, urlAndDid } from './settings.ts'

const table = config('pds', {
  port: integer({ default: 2583, min: 0, max: 65_535, help: 'Port.' }),
  timeoutMs: integer({ default: 500, min: 1, unit: 'ms', help: 'Time | out.' }),
  publicUrl: url({ help: 'Where.' }),
  plc: url({ required: true, help: 'Directory.' }),
  secretKey: text({ secret: true, help: 'Key.' }),
  invites: flag({ default: true, help: 'Invites.' }),
  level: choice({ of: ['low', 'high'], default: 'low', help: 'Level.' }),
  hosts: list(url({}), { default: [], help: 'Hosts.', flag: 'pds-hosts' }),
  appview: urlAndDid({ help: 'View.' }),
})

const plc = 'http://plc.test'

function problems(sources: ConfigSources): readonly string[] {
  try {
    table.parse(sources)
    return []
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems
  }
}

test('defaults run, and only what is required must be given', () => {
  const values = table.parse({ flags: { plc } })
  assert.deepEqual(values, {
    port: 2583,
    timeoutMs: 500,
    publicUrl: undefined,
    plc,
    secretKey: undefined,
    invites: true,
    level: 'low',
    hosts: [],
    appview: undefined,
  })
  assert.deepEqual(problems({}), ['--plc (FALAJ_PDS_PLC) is required'])
  assert.equal(table.with({ plc, port: 1 }).port, 1)
})

test('a flag wins over the environment, that over the file, that over the default', () => {
  const file = { pds: { port: 3, timeoutMs: 3, level: 'high', invites: false } }
  const env = { FALAJ_PDS_PORT: '2', FALAJ_PDS_TIMEOUT_MS: '2' }
  const values = table.parse({ flags: { plc, port: '1' }, env, file })
  assert.deepEqual([values.port, values.timeoutMs, values.level], [1, 2, 'high'])
  assert.equal(values.invites, false)
  assert.equal(table.parse({ flags: { plc }, env: { FALAJ_PDS_PORT: '' } }).port, 2583)
})

test('values are read as what they are', () => {
  const values = table.parse({
    flags: {
      plc: 'https://plc.example/',
      invites: 'false',
      'pds-hosts': 'http://a.test, https://b.test/x/ ,',
      appview: 'http://localhost:2584#did:plc:abc',
    },
    env: { FALAJ_PDS_SECRET_KEY: 's' },
  })
  assert.equal(values.plc, 'https://plc.example')
  assert.equal(values.invites, false)
  assert.deepEqual(values.hosts, ['http://a.test', 'https://b.test/x'])
  assert.deepEqual(values.appview, { url: 'http://localhost:2584', did: 'did:plc:abc' })
  const file = { pds: { plc, hosts: ['http://a.test', 'http://b.test'] } }
  assert.equal(table.parse({ file }).hosts.length, 2)
})

test('all problems are told at once, each by the name its source used', () => {
  const found = problems({
    flags: { port: '70000', 'pds-hosts': 'ftp://a', appview: 'http://a' },
    env: { FALAJ_PDS_TIMEOUT_MS: 'soon', FALAJ_PDS_LEVLE: 'high', FALAJ_PLC_PORT: '1', HOME: '/' },
    file: { pds: { level: 'middle', invites: [1], nonsense: 1 }, relay: { port: 1 } },
    problems: ['unknown flag --bogus'],
  })
  assert.deepEqual(found, [
    'unknown flag --bogus',
    'FALAJ_PDS_LEVLE is not a setting',
    'pds.nonsense in the config file is not a setting',
    '--port must be a whole number, 0 to 65535',
    'FALAJ_PDS_TIMEOUT_MS must be a whole number, ≥ 1 ms',
    '--plc (FALAJ_PDS_PLC) is required',
    'pds.invites in the config file has the wrong type, expected true or false',
    'pds.level in the config file must be one of low, high',
    '--pds-hosts must be an http:// or https:// URL',
    '--appview must be URL#DID, such as http://localhost:2584#did:plc:…',
  ])
  assert.deepEqual(problems({ flags: { plc }, file: [] }), [
    'the config file must be a JSON object',
  ])
})

test('URLs that carry a secret or lead somewhere odd are refused', () => {
  for (const bad of [
    'file:///etc',
    'http://u:p@a.test',
    'http://a.test?x',
    'http://a.test#x',
    'a.test',
  ])
    assert.equal(problems({ flags: { plc: bad } }).length, 1, bad)
})

test('secrets are never shown', () => {
  const values = table.with({ plc, secretKey: 'hunter2', hosts: ['http://a.test'] })
  const lines = configLines(table as ConfigTable, values as Record<string, unknown>)
  assert.ok(lines.includes('pds.secretKey = (secret, set)'))
  assert.ok(lines.includes('pds.hosts = http://a.test'))
  assert.ok(!lines.join().includes('hunter2'))
  assert.ok(!configMarkdown([table as ConfigTable]).includes('hunter2'))
})

test('no text makes a setting throw anything but a message about it', () => {
  const names = [...flagsOf([table as ConfigTable]).keys()]
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.string(), (name, value) => {
      for (const problem of problems({ flags: { plc, [name]: value } }))
        assert.match(problem, new RegExp(`^--${name} must `))
    }),
  )
})

test('several tables are read at once', () => {
  const other = config('plc', { port: integer({ default: 2582, help: 'Port.' }) })
  const tables = [table, other] as ConfigTable[]
  const read = readConfig(tables, { flags: { plc }, file: { plc: { port: 5 } } })
  assert.deepEqual(read.plc, { port: 5 })
  assert.equal((read.pds as { port: number }).port, 2583)
})

test('the documentation has a row for every setting, with its names, range and default', () => {
  const page = configMarkdown([table as ConfigTable])
  assert.match(page, /^## pds$/m)
  assert.match(
    page,
    /^\| `FALAJ_PDS_TIMEOUT_MS` \| `--timeout-ms` \| integer ms \(≥ 1\) \| `500` \| Time \\\| out\. \|$/m,
  )
  assert.match(page, /`--pds-hosts` \| list of URL \| empty/)
  assert.match(page, /`--plc` \| URL \| required/)
  assert.match(page, /`--secret-key` \| text \| secret/)
})

const KNOWN = new Map([
  ['port', { isSwitch: false }],
  ['json', { isSwitch: true }],
])

test('a command line is flags with values, switches, and words', () => {
  const { flags, words, problems } = readFlags(['up', '--port', '1', '--json', 'x'], KNOWN)
  assert.deepEqual([flags, words, problems], [{ port: '1', json: 'true' }, ['up', 'x'], []])
  assert.deepEqual(readFlags(['--port=', '--no-json'], KNOWN).flags, { port: '', json: 'false' })
  assert.deepEqual(readFlags(['--port=a=b'], KNOWN).flags, { port: 'a=b' })
})

test('what is unknown, repeated or incomplete on it is told, all at once', () => {
  const args = ['--prot', '1', '--port', '--json', '--json', '-v', '--no-port', '--port']
  assert.deepEqual(readFlags(args, KNOWN).problems, [
    'unknown flag --prot',
    '--port needs a value',
    '--json is given twice',
    'unknown flag -v',
    'unknown flag --no-port',
    '--port needs a value',
  ])
})

test('no command line breaks the reader', () => {
  const word = fc.oneof(fc.string(), fc.constantFrom('--port', '--json', '--no-json', '--port=1'))
  fc.assert(
    fc.property(fc.array(word), (args) => {
      const { flags } = readFlags(args, KNOWN)
      for (const name of Object.keys(flags)) assert.ok(KNOWN.has(name))
    }),
  )
})
