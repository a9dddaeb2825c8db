/**
 * Makes the directory of a reference PDS that tests adopt, by running the real one:
 * `FALAJ_REFERENCE=… node network/reference/make-reference-directory.ts`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ServerProcess } from '../rig.ts'
import { packFolder } from './packed-folder.ts'
import { freePort, referenceFolder, startReferencePds } from './reference-pds.test-support.ts'
import { populate } from './reference-people.test-support.ts'

const HOSTNAME = 'pds.example.com'
const into = resolve(import.meta.dirname, '../../src/services/pds/adopt/testing')

if (!referenceFolder) throw new Error('FALAJ_REFERENCE names no installation of the reference')
const work = mkdtempSync(join(tmpdir(), 'falaj-reference-'))
const plc = await new ServerProcess('plc', '--dev', '--data', join(work, 'plc')).start()
try {
  const pds = await startReferencePds(referenceFolder, {
    folder: mkdtempSync(join(work, 'pds-')),
    port: await freePort(),
    hostname: HOSTNAME,
    plcUrl: plc.url,
  })
  const people = await populate(pds, HOSTNAME)
  const dids = [...Object.values(people.people).map(({ did }) => did), people.deleted]
  const logs = Object.fromEntries(
    await Promise.all(
      dids.map(async (did) => [did, await (await fetch(`${plc.url}/${did}/log`)).json()]),
    ),
  )
  await pds.stop()
  const { version } = pds
  writeFileSync(join(into, 'reference-directory.json.br'), packFolder(pds.folder))
  const about = { version, hostname: HOSTNAME, ...people, operations: logs }
  writeFileSync(join(into, 'reference-people.json'), `${JSON.stringify(about, undefined, 2)}\n`)
} finally {
  await plc.kill()
  rmSync(work, { recursive: true, force: true })
}
process.exit(0)
