import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { configMarkdown, envName, flagName } from '#platform/runtime'
import { configTables } from './config-docs.ts'

const page = new URL('../../../docs/config.md', import.meta.url)

test('docs/config.md is what the tables say (npm run docs writes it)', async () => {
  assert.equal(readFileSync(page, 'utf8'), configMarkdown(await configTables()))
})

test('every setting is explained, and no name means two things within a room', async () => {
  for (const { room, settings } of await configTables()) {
    const names = Object.keys(settings)
    assert.equal(new Set(names.map((name) => envName(room, name))).size, names.length)
    const flags = Object.entries(settings).map(([name, one]) => flagName(name, one))
    assert.equal(new Set(flags).size, flags.length, room)
    for (const [name, { help }] of Object.entries(settings))
      assert.match(help, /^[A-Z].*\.$/s, `${room}.${name}: help is a sentence`)
  }
})

test('flags of a service do not take those of the process', async () => {
  const [server, ...others] = await configTables()
  const own = Object.entries(server!.settings).map(([name, one]) => flagName(name, one))
  const taken = new Set([...own, 'json', 'check', 'config', 'services'])
  for (const { room, settings } of others)
    for (const [name, one] of Object.entries(settings))
      assert.ok(!taken.has(flagName(name, one)), `--${flagName(name, one)} of ${room}`)
})
