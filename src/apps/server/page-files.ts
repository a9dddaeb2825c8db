/** What the pages of a host need, read once: its own files, built scripts, the two cuts of the font. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Where the builder of the client puts scripts of such pages; `npm ci` runs it. */
const BUILT = new URL('../../../web/dist/host-pages/', import.meta.url)
const FONT = '@fontsource-variable/readex-pro'

/**
 * Bytes by name. Without the font's package pages are set in what the machine has; without a build,
 * what needs a script says so.
 */
export function readPageFiles(folder: URL): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  for (const from of [folder, ...(existsSync(BUILT) ? [BUILT] : [])])
    for (const name of readdirSync(from)) files.set(name, readFileSync(new URL(name, from)))
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
