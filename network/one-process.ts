/**
 * Runs test files in one process, each as a suite of its own, so that what a file says of all its
 * tests (`before`, `afterEach`) concerns no other: `node network/one-process.ts GLOB …`. Starting Node and
 * loading the same sources costs more than most files' tests.
 */
import { globSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe } from 'node:test'
import { pathToFileURL } from 'node:url'

const files = globSync(process.argv.slice(2)).sort()
if (files.length === 0) throw new Error(`no tests at ${process.argv.slice(2).join(' ')}`)
const settings = () =>
  JSON.stringify(Object.entries(process.env).filter(([name]) => name.startsWith('FALAJ_')))
const before = settings()
for (const file of files)
  describe(file, async () => {
    await import(pathToFileURL(resolve(file)).href)
    // Every other file would be another test, and this one none where it only imports them.
    if (settings() !== before)
      throw new Error(`${file}, or one loaded beside it, changes FALAJ_ settings: test it alone`)
  })
