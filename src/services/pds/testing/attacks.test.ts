import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const page = String(readFileSync(new URL('./attacks.md', import.meta.url)))

test('every attack of the list is tried by a test that is there', () => {
  const rows = page
    .split('\n')
    .filter((line) => /^\| [^|-]/.test(line))
    .slice(1)
  assert.ok(rows.length >= 20)
  for (const row of rows) {
    const [, attack, , tests] = row.split('|').map((cell) => cell.trim())
    const files = [...tests!.matchAll(/`([^`]+\.test\.ts)`: ((?:\*[^*]+\*(?:, )?)+)/g)]
    assert.ok(files.length > 0, `${attack}: no test`)
    for (const [, file, titles] of files) {
      const from = file!.startsWith('pages/') || !/^(protocol|platform)\//.test(file!)
      const source = String(
        readFileSync(new URL(from ? `../${file}` : `../../../${file}`, import.meta.url)),
      )
      const written = [...source.matchAll(/\btest\(\s*(['"`])(.*?)\1,/g)].map((match) => match[2]!)
      for (const [, title] of titles!.matchAll(/\*([^*]+)\*/g))
        assert.ok(
          written.some((one) => one.includes(title!)),
          `${attack}: no “${title}” in ${file}`,
        )
    }
  }
})
