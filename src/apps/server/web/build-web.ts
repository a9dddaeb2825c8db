/** Building the client when its output is missing or older than its sources. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

const web = resolve(import.meta.dirname, '../../../../web')

/** Where the built client lies. */
export const webFolder: string = join(web, 'dist')

/** Builds if needed, and says so through `say`. A checkout without sources serves what is there. */
export async function buildWebIfStale(say: (line: string) => void): Promise<void> {
  if (!existsSync(join(web, 'build.ts'))) return
  const { buildWeb, webBuildIsStale } = await import('../../../../web/build.ts')
  if (!webBuildIsStale()) return
  say('building the web client, once')
  await buildWeb()
}
