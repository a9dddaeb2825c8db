/** The directory of a reference PDS that was killed a moment ago, taken over by calls that are killed too. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { plan, type Running, serve } from '#apps/server'
import { ServerProcess, temporaryFolder } from '../rig.ts'
import { freePort, referenceFolder, startReferencePds } from './reference-pds.test-support.ts'
import { populate, type ReferencePeople } from './reference-people.test-support.ts'

const falaj = join(import.meta.dirname, '../../bin/falaj')
const HOSTNAME = 'pds.example.com'
const KILLS = 6
const skip = referenceFolder ? false : 'FALAJ_REFERENCE names no installation of the reference'

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
type Body = any

describe('taking the place of a reference PDS that ran a moment ago', { skip }, () => {
  const folder = temporaryFolder()
  const source = join(folder.path, 'source')
  const own = ['--data', join(folder.path, 'data'), '--blobs-folder', join(folder.path, 'blobs')]
  const plc = new ServerProcess('plc', '--dev', '--data', join(folder.path, 'plc'))
  let people: ReferencePeople
  let heads: Map<string, string>
  let host: Running | undefined
  let url = ''

  before(async () => {
    await plc.start()
    mkdirSync(source)
    const pds = await startReferencePds(referenceFolder!, {
      ...{ folder: source, port: await freePort(), hostname: HOSTNAME, plcUrl: plc.url },
    })
    people = await populate(pds, HOSTNAME)
    const names = ['alice', 'bob', 'erin', 'frank']
    const dids = names.map((name) => people.people[name]!.did)
    heads = new Map(
      await Promise.all(
        dids.map(async (did): Promise<[string, string]> => {
          const { cid } = await pds.get('com.atproto.sync.getLatestCommit', { did })
          return [did, cid]
        }),
      ),
    )
    await pds.stop('SIGKILL')
    const settings = readFileSync(join(source, 'pds.env'), 'utf8')
    writeFileSync(join(source, 'pds.env'), settings.replace(/^PDS_DEV_MODE.*$/m, ''))
  })
  after(async () => {
    await host?.stop()
    await plc.stop()
    folder.remove()
  })

  const digest = () =>
    readdirSync(source, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => `${path} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`)

  const adopt = () => spawn(falaj, ['pds', 'adopt', source, ...own, '--json'])

  async function ended(child: ChildProcess): Promise<{ out: string; errors: string }> {
    const [out, errors] = await Promise.all([text(child.stdout!), text(child.stderr!)])
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    return { out, errors }
  }

  test('everything comes over, whenever the call is killed, and the source is untouched', async () => {
    const before = digest()
    const started = performance.now()
    await ended(spawn(falaj, ['pds', 'adopt', source, '--dry-run', '--json']))
    const takesMs = performance.now() - started
    for (let kill = 0; kill < KILLS; kill++) {
      const child = adopt()
      void sleep((takesMs * (kill + 1)) / KILLS).then(() => child.kill('SIGKILL'))
      await ended(child)
    }
    const last = adopt()
    const { out, errors } = await ended(last)
    assert.equal(last.exitCode, 0, errors)
    const { summary } = JSON.parse(out.trim().split('\n').at(-1)!)
    const { accounts, adopted, refused, missingBlobs, appPasswords } = summary
    assert.deepEqual([accounts, adopted, refused, missingBlobs, appPasswords], [6, 6, 0, 0, 2])
    assert.deepEqual(digest(), before)
  })

  test('tokens that the reference gave out go on, and heads are those it had', async () => {
    const port = String(await freePort())
    const env = ['--env-file', join(source, 'pds.env'), '--plc', 'https://plc.example']
    const planned = await plan('pds', ['--port', port, ...own, ...env, '--log-level', 'error'], {})
    host = await serve(planned, (error) => {
      throw error
    })
    url = `http://localhost:${port}`
    const ask = async (nsid: string, token?: string, method = 'GET'): Promise<Body> => {
      const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {}
      const answer = await fetch(`${url}/xrpc/${nsid}`, { method, headers })
      const body = await answer.json()
      assert.equal(answer.status, 200, `${nsid}: ${JSON.stringify(body)}`)
      return body
    }
    const { alice } = people.people
    for (const { accessJwt, refreshJwt } of [alice!, people.appSession]) {
      const session = await ask('com.atproto.server.getSession', accessJwt)
      assert.equal(session.did, alice!.did)
      const next = await ask('com.atproto.server.refreshSession', refreshJwt, 'POST')
      assert.equal(
        (await ask('com.atproto.server.getSession', next.accessJwt)).handle,
        alice!.handle,
      )
    }
    for (const [did, cid] of heads) {
      assert.equal((await ask(`com.atproto.sync.getLatestCommit?did=${did}`)).cid, cid)
    }
  })
})
