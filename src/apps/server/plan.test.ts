import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { UsageError } from './part.ts'
import { plan } from './plan.ts'

type Env = Record<string, string>

const planned = async (command: string, args: string, env: Env = {}) =>
  await plan(command, args.split(' ').filter(Boolean), env)

async function complaint(command: string, args: string, env: Env = {}): Promise<readonly string[]> {
  try {
    await planned(command, args, env)
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error))
    return error.lines
  }
  throw new Error(`falaj ${command} ${args} was accepted`)
}

test('falaj up starts everything on its usual ports, in local mode', async () => {
  const { dev, services, server } = await planned('up', '')
  assert.equal(dev, true)
  assert.equal(server.host, '127.0.0.1')
  const ports = Object.fromEntries(services.map(({ name, port }) => [name, port]))
  const usual = {
    web: 2580,
    plc: 2582,
    pds: 2583,
    appview: 2584,
    relay: 2585,
    jetstream: 2586,
    search: 2587,
    feeds: 2588,
    moderation: 2589,
    vault: 2590,
  }
  // Those of the contract; services that come later have others.
  assert.deepEqual({ ...ports, ...usual }, ports)
  assert.equal(new Set(Object.values(ports)).size, services.length)
})

test('more hosts get the ports after the first', async () => {
  const { services } = await planned('up', '--pds 3 --services plc,pds')
  assert.deepEqual(
    services.map(({ name, port }) => [name, port]),
    [
      ['plc', 2582],
      ['pds', 2583],
      ['pds2', 2593],
      ['pds3', 2603],
    ],
  )
})

test('a replica of another directory stands beside the own one, or alone', async () => {
  const replicaOf = (values: unknown) => (values as { replicaOf?: string }).replicaOf
  const of = 'https://plc.example'
  const up = await planned('up', `--replica-of ${of} --services plc,pds`)
  assert.deepEqual(
    up.services.map(({ name, port, values }) => [name, port, replicaOf(values)]),
    [
      ['plc', 2582, undefined],
      ['plc2', 2602, of],
      ['pds', 2583, undefined],
    ],
  )
  const alone = await planned('plc', `--replica-of ${of}`)
  assert.deepEqual(
    alone.services.map(({ name, values }) => [name, replicaOf(values)]),
    [['plc', of]],
  )
})

test('several directories can be named', async () => {
  const { services } = await planned('pds', '--dev --plc http://localhost:1,http://localhost:2')
  const { plc } = services[0]!.values as { plc: string[] }
  assert.deepEqual(plc, ['http://localhost:1', 'http://localhost:2'])
})

test('ephemeral data means free ports, unless one is asked for', async () => {
  const up = await planned('up', '--ephemeral')
  assert.ok(up.services.every(({ port }) => port === 0))
  assert.equal((await planned('plc', '--ephemeral')).services[0]?.port, 0)
  assert.equal((await planned('plc', '--ephemeral --port 4000')).services[0]?.port, 4000)
  assert.ok((await planned('up', '--port 0')).services.every(({ port }) => port === 0))
})

test('a single service takes the flags of its place, and is no local mode by itself', async () => {
  const { dev, services } = await planned('plc', '--port 99 --public-url https://plc.example/')
  assert.equal(dev, false)
  assert.equal(services[0]?.port, 99)
  assert.equal(services[0]?.publicUrl, 'https://plc.example')
  assert.equal((await planned('plc', '--dev')).dev, true)
})

test('with a public URL, falaj up is in production, each service on a name below it', async () => {
  const args = '--public-url https://falaj.example --services plc,relay,pds,web --pds 2'
  const { dev, services } = await planned('up', args)
  assert.equal(dev, false)
  const urls = Object.fromEntries(services.map(({ name, publicUrl }) => [name, publicUrl]))
  assert.equal(urls.web, 'https://falaj.example')
  assert.equal(urls.pds, 'https://pds.falaj.example')
  assert.equal(urls.pds2, 'https://pds2.falaj.example')
  const env = { FALAJ_PDS_PUBLIC_URL: 'https://host.example' }
  const own = await planned('up', args, env)
  assert.equal(own.services.find(({ name }) => name === 'pds')?.publicUrl, 'https://host.example')
})

test('every problem of a command line is told, and nothing is started', async () => {
  const lines = await complaint('plc', '--prot 1 --port x --data', { FALAJ_PLC_PROT: '1' })
  assert.deepEqual(lines, [
    'unknown flag --prot',
    '--data needs a value',
    'unexpected argument 1',
    'FALAJ_PLC_PROT is not a setting',
    '--port must be a whole number, 0 to 65535',
  ])
})

test('a service that needs a directory or a relay and is given none says so', async () => {
  assert.match((await complaint('pds', '')).join(), /needs a directory: give --plc URL/)
  assert.match((await complaint('relay', '')).join(), /needs a directory: give --plc URL/)
  assert.match((await complaint('jetstream', '')).join(), /needs a relay: give --relay URL/)
  assert.equal((await complaint('appview', '')).length, 2)
  assert.match((await complaint('up', '--services pds')).join(), /needs a directory/)
  const env = { FALAJ_PDS_PLC: 'http://localhost:2582' }
  assert.equal((await planned('pds', '', env)).services.length, 1)
})

test('wishes that contradict each other are refused', async () => {
  assert.match((await complaint('up', '--port 80')).join(), /can only be 0/)
  assert.match((await complaint('up', '--services plc,nonsense')).join(), /nonsense/)
  assert.match((await complaint('up', '--services')).join(), /nothing/)
  assert.match((await complaint('up', '--pds 0')).join(), /from 1 to 9/)
  assert.match((await complaint('up', '--pds ten')).join(), /from 1 to 9/)
  assert.match((await complaint('plc', '--dev --host 0.0.0.0')).join(), /loopback only/)
  assert.match((await complaint('plc', '--dev --public-url https://a.example')).join(), /--dev/)
  assert.match((await complaint('plc', '--pds 2')).join(), /unknown flag --pds/)
})

test('local mode is refused in production', async () => {
  const before = process.env.NODE_ENV
  process.env.NODE_ENV = 'production'
  try {
    assert.match((await complaint('plc', '--dev')).join(), /production/)
  } finally {
    if (before === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = before
  }
})

test("the reference's environment is understood for a host, also from a file", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'falaj-plan-'))
  try {
    const file = join(folder, 'pds.env')
    writeFileSync(file, 'PDS_DID_PLC_URL=http://plc.test\nPDS_PORT=7\nPDS_JWT_SECRET=x\n')
    const env = { PDS_PORT: '8', PDS_HOSTNAME: 'pds.example' }
    const { services, notes } = await planned('pds', `--env-file ${file}`, env)
    assert.equal(services[0]?.port, 8)
    assert.equal(services[0]?.publicUrl, 'https://pds.example')
    assert.deepEqual(notes, ['not used here: PDS_JWT_SECRET'])
    assert.equal((await planned('pds', `--env-file ${file} --port 9`)).services[0]?.port, 9)
    const entryway = await complaint('pds', `--env-file ${file}`, { PDS_ENTRYWAY_URL: 'https://b' })
    assert.match(entryway.join(), /PDS_ENTRYWAY_URL/)
    assert.equal((await planned('plc', '', { PDS_PORT: '8' })).services[0]?.port, 2582)
    assert.match((await complaint('pds', '--env-file /nowhere')).join(), /--env-file/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a config file is read, and a broken one named', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'falaj-plan-'))
  try {
    const file = join(folder, 'config.json')
    writeFileSync(file, JSON.stringify({ plc: { port: 7 }, server: { logLevel: 'warn' } }))
    const { services, server } = await planned('plc', `--config ${file}`)
    assert.equal(services[0]?.port, 7)
    assert.equal(server.logLevel, 'warn')
    writeFileSync(file, '{')
    assert.match((await complaint('plc', `--config ${file}`)).join(), /--config .*config\.json: /)
    assert.match((await complaint('plc', '--config /nowhere.json')).join(), /ENOENT/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
