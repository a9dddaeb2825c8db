/** A folder as one compressed file: names and bytes. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib'

export function packFolder(folder: string): Uint8Array {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [relative(folder, path), readFileSync(path).toString('base64')])
  return brotliCompressSync(JSON.stringify(Object.fromEntries(files.sort())))
}

export function unpackFolder(packed: Uint8Array, folder: string): void {
  const files: Record<string, string> = JSON.parse(brotliDecompressSync(packed).toString())
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), Buffer.from(content, 'base64'))
  }
}
