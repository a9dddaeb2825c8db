/** Two hosts and a directory, each a process of its own, and accounts that move between them. */
import assert from 'node:assert/strict'
import type { MoveView } from '#protocol/account'
import { ServerProcess, temporaryFolder } from './rig.ts'

export interface Mover {
  did: string
  handle: string
  password: string
  accessJwt: string
  refreshJwt: string
}

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
type Answer = { status: number; body: any }

export class MovingNetwork {
  readonly #folder = temporaryFolder()
  readonly plc: ServerProcess
  readonly old: ServerProcess
  readonly new: ServerProcess

  constructor() {
    const at = (name: string) => ['--dev', '--data', `${this.#folder.path}/${name}`]
    this.plc = new ServerProcess('plc', ...at('plc'))
    this.old = new ServerProcess('pds', ...at('old'))
    this.new = new ServerProcess('pds', ...at('new'), '--handle-domains', '.two.test')
  }

  get folder(): string {
    return this.#folder.path
  }

  async start(): Promise<this> {
    const plc = await this.plc.start()
    const hosts = `${await this.old.reserve()},${await this.new.reserve()}`
    for (const host of [this.old, this.new]) {
      await host.with('--plc', plc.url, '--pds-hosts', hosts).start()
    }
    return this
  }

  async stop(): Promise<void> {
    for (const one of [this.old, this.new, this.plc]) await one.stop()
    this.#folder.remove()
  }

  async call(
    host: ServerProcess,
    nsid: string,
    { token, input, type }: { token?: string; input?: unknown; type?: string } = {},
  ): Promise<Answer> {
    const isBinary = input instanceof Uint8Array
    const response = await fetch(`${host.url}/xrpc/${nsid}`, {
      method: input === undefined ? 'GET' : 'POST',
      headers: {
        ...(input !== undefined && { 'content-type': type ?? 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(input !== undefined && {
        body: isBinary ? (input as Uint8Array<ArrayBuffer>) : JSON.stringify(input),
      }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? {} : JSON.parse(text) }
  }

  /** An account at the old host with some records and pictures. */
  async person(name: string, counts: { records: number; blobs: number }): Promise<Mover> {
    const password = `password of ${name}`
    const handle = `${name}.test`
    const input = { handle, email: `${name}@mail.example`, password }
    const made = await this.call(this.old, 'com.atproto.server.createAccount', { input })
    assert.equal(made.status, 200, JSON.stringify(made.body))
    const mover = { ...made.body, password }
    for (let at = 0; at < counts.records; at += 200) {
      const writes = Array.from({ length: Math.min(200, counts.records - at) }, (_, i) => ({
        $type: 'com.atproto.repo.applyWrites#create',
        collection: 'com.example.note',
        rkey: `k${at + i}`,
        value: { text: `note ${at + i} of somebody who writes a lot` },
      }))
      await this.owner(mover, 'com.atproto.repo.applyWrites', { repo: mover.did, writes })
    }
    for (let i = 0; i < counts.blobs; i++) await this.picture(mover, i, 20_000)
    return mover
  }

  async picture(mover: Mover, i: number, bytes: number): Promise<void> {
    const input = new Uint8Array(bytes)
    new DataView(input.buffer).setUint32(0, i)
    const { accessJwt: token } = mover
    const upload = { token, input, type: 'image/png' }
    const { body } = await this.call(this.old, 'com.atproto.repo.uploadBlob', upload)
    const record = { picture: body.blob }
    const collection = 'com.example.picture'
    await this.owner(mover, 'com.atproto.repo.createRecord', {
      repo: mover.did,
      collection,
      record,
    })
  }

  async owner(mover: Mover, nsid: string, input: object): Promise<Answer['body']> {
    const answer = await this.call(this.old, nsid, { token: mover.accessJwt, input })
    assert.equal(answer.status, 200, `${nsid}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  async code(mover: Mover): Promise<string> {
    const input = { password: mover.password, purpose: 'plc-operation' }
    return (await this.owner(mover, 'app.falaj.account.confirmPassword', input)).code
  }

  /** Starts the job; the token of the session at the new host. */
  async begin(mover: Mover): Promise<string> {
    const { accessJwt, refreshJwt, password } = mover
    const code = await this.code(mover)
    const session = { accessJwt, refreshJwt }
    const input = { source: this.old.url, session, password, code }
    const { status, body } = await this.call(this.new, 'app.falaj.move.start', { input })
    assert.equal(status, 200, JSON.stringify(body))
    return body.accessJwt
  }

  /** Watches the move until it is as wanted; while the host is away, asks again. */
  async watch(
    token: string,
    isThere: (move: MoveView) => boolean,
    withinMs = 60_000,
  ): Promise<MoveView> {
    const deadlineMs = Date.now() + withinMs
    let after: number | undefined
    for (;;) {
      const query = after === undefined ? '' : `?after=${after}`
      const nsid = `app.falaj.move.get${query}`
      const answer = await this.call(this.new, nsid, { token }).catch(() => undefined)
      const { move } = (answer?.body ?? {}) as { move?: MoveView }
      if (move && (isThere(move) || move.state === 'failed')) return move
      if (Date.now() > deadlineMs) throw new Error(`it stands at ${JSON.stringify(move ?? answer)}`)
      after = move?.version ?? after
      if (!move) await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Kills a host as soon as the move says that it is at a step, starts it again, and sees the end. */
  async moveThrough(
    mover: Mover,
    step: MoveView['step'],
    killed: 'old' | 'new',
  ): Promise<MoveView> {
    const token = await this.begin(mover)
    await this.watch(token, (move) => move.step === step || move.state === 'done')
    await this[killed].kill()
    await this[killed].start()
    const move = await this.watch(token, ({ state }) => state === 'done' || state === 'waiting')
    if (move.state !== 'waiting') return move
    // The code was used up and the answer lost: its owner gives another.
    const input = { id: move.id, code: await this.code(mover) }
    await this.call(this.new, 'app.falaj.move.confirm', { token, input })
    return this.watch(token, ({ state }) => state === 'done')
  }
}
