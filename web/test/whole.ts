/** `falaj up` as a process, for tests in a browser. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

const falaj = resolve(import.meta.dirname, '../../bin/falaj')

export interface Ready {
  services: {
    feeds?: unknown
    search?: unknown
    moderation?: { did: string; url: string }
    plc: { url: string }
    web: { url: string }
    pds: { url: string }[]
    appview: { url: string }
  }
}

export interface Whole {
  ready: Ready
  /** Where the client is. */
  web: string
  stop(): Promise<void>
}

/** Two hosts and everything else, on free ports and temporary storage. */
export async function startWhole(): Promise<Whole> {
  const whole = await startFalaj(['--pds', '2'])
  return { ...whole, web: whole.ready.services.web.url }
}

/** What the flags say, on free ports and temporary storage. */
export async function startFalaj(flags: readonly string[]): Promise<Omit<Whole, 'web'>> {
  const server = spawn(falaj, ['up', '--ephemeral', '--json', ...flags], {
    stdio: ['ignore', 'pipe', process.env.VERBOSE ? 'inherit' : 'ignore'],
  })
  for await (const line of createInterface({ input: server.stdout! })) {
    const ready = JSON.parse(line) as Ready
    return {
      ready,
      async stop() {
        const gone = once(server, 'exit')
        server.kill('SIGTERM')
        await gone
      },
    }
  }
  throw new Error('falaj up did not become ready')
}

/** Somebody who is there already and has written something; returns their name. */
export async function openFirstAccount({ ready }: Whole, handle: string): Promise<string> {
  const host = ready.services.pds[0]!.url
  const name = 'سارة البلوشي'
  const call = async (nsid: string, body: object, token?: string) => {
    const response = await fetch(`${host}/xrpc/${nsid}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${nsid}: ${await response.text()}`)
    return (await response.json()) as { did: string; accessJwt: string }
  }
  const { did, accessJwt } = await call('com.atproto.server.createAccount', {
    handle: `${handle}.test`,
    email: `${handle}@example.com`,
    password: 'four plain words here',
  })
  const write = (collection: string, record: object, rkey?: string) =>
    call(
      'com.atproto.repo.createRecord',
      { repo: did, collection, rkey, record: { $type: collection, ...record } },
      accessJwt,
    )
  await write('app.bsky.actor.profile', { displayName: name }, 'self')
  const createdAt = new Date().toISOString()
  await write('app.bsky.feed.post', { text: 'الماء في الفلج مِلكٌ للجميع. #فلج', createdAt })
  return name
}
