import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { vectorPath } from '../../../network/vectors.ts'
import * as syntax from './index.ts'

type Check = { is: (text: unknown) => boolean; parse: (text: string) => unknown; code: string }

const checks: Record<string, Check> = {
  atidentifier: {
    is: syntax.isAtIdentifier,
    parse: syntax.parseAtIdentifier,
    code: 'InvalidAtIdentifier',
  },
  aturi: { is: syntax.isAtUri, parse: syntax.parseAtUri, code: 'InvalidAtUri' },
  cid: { is: syntax.isCidSyntax, parse: syntax.parseCidSyntax, code: 'InvalidCid' },
  datetime: { is: syntax.isDatetime, parse: syntax.parseDatetime, code: 'InvalidDatetime' },
  did: { is: syntax.isDid, parse: syntax.parseDid, code: 'InvalidDid' },
  handle: { is: syntax.isHandle, parse: syntax.parseHandle, code: 'InvalidHandle' },
  language: { is: syntax.isLanguage, parse: syntax.parseLanguage, code: 'InvalidLanguage' },
  nsid: { is: syntax.isNsid, parse: syntax.parseNsid, code: 'InvalidNsid' },
  recordkey: { is: syntax.isRecordKey, parse: syntax.parseRecordKey, code: 'InvalidRecordKey' },
  tid: { is: syntax.isTid, parse: syntax.parseTid, code: 'InvalidTid' },
  uri: { is: syntax.isUri, parse: syntax.parseUri, code: 'InvalidUri' },
}

/** One value a line, blanks kept inside it, `#` comments and empty lines left out. */
function values(file: string): string[] | undefined {
  const path = vectorPath(`atproto-interop/syntax/${file}.txt`)
  if (path === undefined) return undefined
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.filter((line) => line !== '' && !line.startsWith('#'))
}

const hasParseVectors = new Set(['datetime', 'language'])

for (const [name, check] of Object.entries(checks)) {
  test(`every valid ${name} of the vectors is accepted`, (t) => {
    const valid = values(`${name}_syntax_valid`)
    if (valid === undefined) return t.skip()
    for (const text of valid) {
      assert.equal(check.is(text), true, text)
      check.parse(text)
    }
  })

  test(`every invalid ${name} of the vectors is refused by name`, (t) => {
    const refused = values(`${name}_syntax_invalid`)
    if (refused === undefined) return t.skip()
    if (hasParseVectors.has(name)) refused.push(...(values(`${name}_parse_invalid`) ?? []))
    for (const text of refused) {
      assert.equal(check.is(text), false, text)
      assert.throws(() => check.parse(text), { name: 'ProtocolError', code: check.code })
    }
  })
}
