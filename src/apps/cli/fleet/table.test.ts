import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from '#platform/runtime'
import { readTable } from './table.ts'

test('reads the same accounts from each form of a table', () => {
  const rows = [
    { account: 'ann.test', proof: 'password', password: 'a, "b"', wave: 2 },
    { account: 'did:plc:abc', proof: 'operator', handle: 'ben.new.test' },
    { account: 'cid.test', proof: 'session', refreshJwt: 'x.y.z', newPassword: 'two\nlines' },
  ]
  const csv = `\ufeffaccount,password,wave,new_handle,token,new_password\r\n@Ann.test,"a, ""b""",2,,,\r\n\r\ndid:plc:abc,,,ben.new.test\r\ncid.test,,,,x.y.z,"two\nlines"`
  assert.deepEqual(readTable(csv), rows)
  const ndjson = rows.map(({ proof: _, ...row }) => JSON.stringify(row)).join('\n')
  assert.deepEqual(readTable(ndjson), rows)
  const tsv = 'handle\taccount\nben.new.test\tdid:plc:abc\n'
  assert.deepEqual(readTable(tsv), [rows[1]])
})

test('tells every problem with its line, and begins nothing', () => {
  const wrong = (text: string) => {
    try {
      readTable(text)
      return []
    } catch (error) {
      assert.ok(error instanceof ConfigError)
      return error.problems
    }
  }
  assert.deepEqual(wrong('account,colour\na.test,red\na.test,\n,blue\nb.test,,extra'), [
    'line 1: no column is called colour',
    'line 5: more cells than columns',
    'line 3: a.test is in line 2 too',
    'line 4: no account',
  ])
  assert.deepEqual(wrong('account,proof,wave\na.test,word,\nb.test,,0'), [
    'line 2: proof is one of password, session, operator, not word',
    'line 3: no wave: 0',
  ])
  assert.deepEqual(wrong('{"account":"a.test"}\nnothing'), ['line 2: not a JSON object'])
  assert.deepEqual(wrong('account\n"a'), ['line 2: a quote stands where none can'])
  assert.deepEqual(wrong(''), ['the table has no accounts'])
})
