/** What the pages of a host need, read once: its own files and the two cuts of the font. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const FONT = '@fontsource-variable/readex-pro'

/** Bytes by name. Without the font's package pages are set in what the machine has. */
export function readPageFiles(folder: URL): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  for (const name of readdirSync(folder)) files.set(name, readFileSync(new URL(name, folder)))
  const fonts = fontFolder()
  for (const script of fonts ? ['arabic', 'latin'] : []) {
    const path = join(fonts!, `readex-pro-${script}-wght-normal.woff2`)
    if (existsSync(path)) files.set(`${script}.woff2`, readFileSync(path))
  }
  return files
}

function fontFolder(): string | undefined {
  try {
    const page = createRequire(import.meta.url).resolve(`${FONT}/package.json`)
    return join(dirname(page), 'files')
  } catch {
    return undefined
  }
}
