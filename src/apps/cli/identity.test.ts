import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ConfigError } from '#platform/runtime'
import { recoverySheet } from '#protocol/identity'
import { runIdentity } from './identity.ts'

const folder = mkdtempSync(join(tmpdir(), 'falaj-cli-'))
after(() => rmSync(folder, { recursive: true }))

const DID = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const WHOLE = `--did ${DID} --plc http://localhost:1 --to http://localhost:1 --handle a.test`

async function problems(line: string): Promise<string> {
  const misuse = await runIdentity(line.split(' ').filter(Boolean)).catch((error) => error)
  assert.ok(misuse instanceof ConfigError, `${line}: ${misuse}`)
  return misuse.problems.join('\n')
}

test('without a verb, or with one that is none, every verb is shown', async () => {
  for (const line of ['', 'burn', 'toString', `recover more ${WHOLE}`]) {
    const shown = await problems(line)
    for (const verb of ['recover', 'check', 'make-key'])
      assert.match(shown, new RegExp(`falaj identity ${verb}`), line)
  }
})

test('what is missing or wrong is told before anybody is asked anything', async () => {
  const rows: [string, RegExp][] = [
    ['recover', /--did is needed\n--plc is needed\n--to is needed\n--handle is needed/],
    [`recover ${WHOLE} --did did:web:a.example`, /--did must be a did:plc/],
    [`recover ${WHOLE} --to nonsense`, /--to must be/],
    [`recover ${WHOLE} --handle nonsense`, /--handle must be/],
    [`recover ${WHOLE} --backup ${folder}/nothing.car`, /no file/],
    [`recover ${WHOLE} --archive ${folder}/nothing.zip`, /no such file/],
    [`recover ${WHOLE} --archive ${folder} --blobs ${folder}`, /go without it/],
    [`recover ${WHOLE} --blobs ${folder}/nothing`, /no folder/],
  ]
  for (const [line, expected] of rows) assert.match(await problems(line), expected, line)
})

test('a sheet that cannot be read says which words are none, and what is like them', async () => {
  const file = join(folder, 'words')
  const words = recoverySheet(new Uint8Array(16).fill(1)).map(({ word }) => word)
  const told = async (text: string) => {
    writeFileSync(file, text)
    return problems(`check --did ${DID} --plc http://localhost:1 --words-file ${file}`)
  }
  assert.match(await told(words.slice(0, 12).join(' ')), /has 16 words, here are 12/)
  const spoilt = words.with(0, 'zebrra').with(2, 'qqqq').with(4, 'qqqq').with(6, 'xyz').with(8, 'w')
  const shown = await told(spoilt.join(' '))
  assert.match(shown, /word 1, “zebrra”, is none of the list; perhaps zebra/)
  assert.match(shown, /word 3, “qqqq”, is none of the list/)
  const others = words.filter((_, at) => ![0, 2, 4, 6, 8].includes(at))
  for (const word of others)
    assert.doesNotMatch(shown, new RegExp(`“${word}”`), 'no right word is shown')
})
