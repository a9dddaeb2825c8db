/** The tokens, held to WCAG AA: 4.5 to 1 for text, 3 to 1 for the edges of controls. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const css = readFileSync(join(import.meta.dirname, 'tokens.css'), 'utf8')

function tokens(block: string): Map<string, string> {
  return new Map([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map((m) => [m[1]!, m[2]!]))
}

const [light = '', dark = ''] = css.split(':root[data-theme="dark"]')
const themes = { light: tokens(light), dark: new Map([...tokens(light), ...tokens(dark)]) }

function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
}

function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x)
  return (light! + 0.05) / (dark! + 0.05)
}

const texts: [string, string[]][] = [
  ['ink', ['surface', 'paper', 'sunk', 'water-2', 'date-2', 'rose-2']],
  ['ink-2', ['surface', 'paper', 'sunk', 'water-2']],
  ['ink-3', ['surface', 'paper', 'sunk', 'water-2']],
  ['water-ink', ['surface', 'paper', 'water-2']],
  ['on-water', ['water']],
  ['date', ['surface', 'date-2']],
  ['leaf', ['surface', 'leaf-2']],
  ['rose', ['surface', 'rose-2']],
  ['surface', ['rose']],
]

for (const [name, theme] of Object.entries(themes)) {
  describe(`the ${name} theme`, () => {
    for (const [text, grounds] of texts) {
      for (const ground of grounds) {
        it(`lets ${text} be read on ${ground}`, () => {
          const ratio = contrast(theme.get(text)!, theme.get(ground)!)
          assert.ok(ratio >= 4.5, `${ratio.toFixed(2)} to 1`)
        })
      }
    }

    it('lets the edges of controls be seen', () => {
      assert.ok(contrast(theme.get('edge')!, theme.get('surface')!) >= 3)
      assert.ok(contrast(theme.get('water')!, theme.get('surface')!) >= 3)
    })
  })
}
