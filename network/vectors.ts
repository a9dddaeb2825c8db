/** Where the shared interoperability vectors are, and the one visible line when they are not. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

/**
 * Absolute path of a file or folder below the vectors directory, or undefined when the vectors are
 * absent. Looked for in FALAJ_VECTORS, else beside the checkout. With FALAJ_VECTORS_REQUIRED=1
 * absence throws, so that continuous integration can never pass by skipping.
 */
export function vectorPath(name: string): string | undefined {
  const base = process.env.FALAJ_VECTORS ?? join(root, '../shared/vectors')
  const path = join(base, name)
  if (existsSync(path)) return path
  if (process.env.FALAJ_VECTORS_REQUIRED === '1') throw new Error(`vectors are required: ${path}`)
  console.error(`vectors absent, not run: ${name}`)
  return undefined
}
