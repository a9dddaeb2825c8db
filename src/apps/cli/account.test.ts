import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ConfigError } from '#platform/runtime'
import { runAccount } from './account.ts'
import { columns } from './terminal.ts'

const folder = mkdtempSync(join(tmpdir(), 'falaj-cli-'))
after(() => rmSync(folder, { recursive: true }))

async function problems(line: string): Promise<readonly string[]> {
  const misuse = await runAccount(line.split(' ').filter(Boolean)).catch((error) => error)
  assert.ok(misuse instanceof ConfigError, `${line}: ${misuse}`)
  return misuse.problems
}

test('without a verb, or with one that is none, every verb is shown', async () => {
  for (const line of ['', 'burn', 'invite', 'invite burn', '--host http://localhost:1 list']) {
    const shown = await problems(line)
    for (const verb of ['create', 'delete', 'takedown', 'invite disable', 'operators add', 'audit'])
      assert.ok(
        shown.some((one) => one.startsWith(`falaj account ${verb}`)),
        `${line}: ${verb}`,
      )
  }
})

test('a verb that is used wrongly shows how it is used, before any host is called', async () => {
  const rows: [string, RegExp][] = [
    ['create --host http://localhost:1', /falaj account create HANDLE --email/],
    ['create new.test --host http://localhost:1', /--email is needed/],
    ['update-email ann.test --host http://localhost:1', /ACCOUNT ADDRESS/],
    ['list more --host http://localhost:1', /falaj account list/],
    ['list', /--host is needed/],
    ['list --host nonsense', /--host must be/],
    ['list --limit none --host http://localhost:1', /--limit must be/],
    ['list --colour red --host http://localhost:1', /colour/],
    ['invite list --sort beauty --host http://localhost:1', /recent or usage/],
    ['operators add huda --host http://localhost:1', /--role must be/],
    ['operators add huda --role king --host http://localhost:1', /--role must be/],
    ['request-crawl --host http://localhost:1', /relay/],
    ['info no_name --host http://localhost:1', /no DID, handle or email/],
    ['list --env-file /nowhere/pds.env', /--env-file/],
    ['list --host http://localhost:1 --password-file /nowhere', /--password-file/],
    [
      'reset-password did:plc:x --new-password-file /nowhere --host http://localhost:1',
      /--new-pass/,
    ],
  ]
  for (const [line, expected] of rows)
    assert.match((await problems(line)).join('\n'), expected, line)
})

test('the settings of the host say where it is; without a host name they do not', async () => {
  const file = join(folder, 'pds.env')
  writeFileSync(file, 'PDS_ADMIN_PASSWORD=secret\n')
  assert.match((await problems(`list --env-file ${file}`)).join(), /--host is needed/)
  writeFileSync(file, 'PDS_HOSTNAME=localhost\nPDS_PORT=1\nPDS_ADMIN_PASSWORD=secret\n')
  const refused = await runAccount(['list', '--env-file', file]).catch((error) => error)
  assert.doesNotMatch(String(refused), /secret/)
  assert.ok(!(refused instanceof ConfigError), 'it was called')
})

test('columns are as wide as they have to be, and what others wrote moves no cursor', () => {
  assert.equal(
    columns(
      ['a', 'long head'],
      [
        ['longer', 'x'],
        ['y', '\u001b[2Jz\n'],
      ],
    ),
    'a       long head\nlonger  x\ny        [2Jz\n',
  )
})
