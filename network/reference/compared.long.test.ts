/**
 * Every method of `com.atproto` that the reference PDS serves, well asked and wrongly, on it and on ours: same status,
 * same error name, same properties, no header less. What differs is written down here with its reason, and nothing else
 * may. Needs FALAJ_REFERENCE: an installation of `@atproto/pds`.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ServerProcess, temporaryFolder } from '../rig.ts'
import { accepted } from './accepted.test-support.ts'
import { calls, key } from './calls.test-support.ts'
import { ask, differences, type Host } from './compared.test-support.ts'
import {
  ADMIN_PASSWORD,
  freePort,
  type ReferencePds,
  referenceFolder,
  startReferencePds,
} from './reference-pds.test-support.ts'

const HOSTNAME = 'pds.example.com'
const POST = 'app.bsky.feed.post'

describe('beside the reference', { skip: !referenceFolder && 'FALAJ_REFERENCE is not set' }, () => {
  const folder = temporaryFolder()
  const settings = join(folder.path, 'pds.env')
  const plc = new ServerProcess('plc', '--dev', '--data', join(folder.path, 'plc'))
  const pds = new ServerProcess('pds', '--data', join(folder.path, 'ours'), '--env-file', settings)
  let reference: ReferencePds
  let ours: Host
  let theirs: Host

  before(async () => {
    const { url: plcUrl } = await plc.start()
    reference = await startReferencePds(referenceFolder!, {
      ...{ folder: folder.path, port: await freePort(), hostname: HOSTNAME, plcUrl },
    })
    // The same settings, but for where the data lies.
    const lines = readFileSync(settings, 'utf8').split('\n')
    const shared = lines.filter((line) => !/^PDS_(DID_PLC_URL|DATA|BLOBSTORE)/.test(line))
    writeFileSync(settings, [...shared, `PDS_DID_PLC_URL=${plcUrl}`].join('\n'))
    const url = await pds.reserve()
    await pds.start()
    ours = await populated(url)
    theirs = await populated(reference.url)
  })
  after(async () => {
    await Promise.all([pds.kill(), reference?.stop(), plc.kill()])
    folder.remove()
  })

  test('every call is answered alike, but where we know better', async () => {
    const found: Record<string, string[]> = {}
    for (const call of calls) {
      const [ourAnswer, theirAnswer] = [await ask(ours, call), await ask(theirs, call)]
      const different = differences(ourAnswer, theirAnswer)
      if (different.length > 0) found[`${call.nsid}: ${call.title}`] = different
    }
    const expected = Object.fromEntries(accepted.flatMap(({ calls }) => Object.entries(calls)))
    assert.deepEqual(found, expected)
  })
})

async function populated(url: string): Promise<Host> {
  const host: Host = { url, hostname: HOSTNAME, people: {}, kept: {} }
  const post = async (nsid: string, input: unknown, authorization?: string) => {
    const answer = await fetch(`${url}/xrpc/${nsid}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
      body: JSON.stringify(input),
    })
    const text = await answer.text()
    assert.equal(answer.status, 200, `${nsid}: ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  for (const name of ['alice', 'bob', 'carol', 'dave']) {
    host.people[name] = await post('com.atproto.server.createAccount', {
      ...{ handle: `${name}.${HOSTNAME}`, email: `${name}@mail.example` },
      password: `password of ${name}`,
    })
  }
  const { carol, dave } = host.people
  for (const [{ did, accessJwt }, name] of [[carol!, 'c'] as const, [dave!, 'd'] as const]) {
    const record = { $type: POST, text: name, createdAt: '2026-01-01T00:00:00.000Z' }
    const input = { repo: did, collection: POST, rkey: key(name), record }
    await post('com.atproto.repo.createRecord', input, `Bearer ${accessJwt}`)
  }
  await post('com.atproto.server.deactivateAccount', {}, `Bearer ${carol!.accessJwt}`)
  const subject = { $type: 'com.atproto.admin.defs#repoRef', did: dave!.did }
  const operator = `Basic ${btoa(`admin:${ADMIN_PASSWORD}`)}`
  const takedown = { applied: true }
  await post('com.atproto.admin.updateSubjectStatus', { subject, takedown }, operator)
  return host
}
