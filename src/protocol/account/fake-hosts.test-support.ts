/** Two hosts and a directory that answer what a test tells them, and remember what they were asked. */

import { cidForCbor, generateKey, type SigningKey } from '#protocol/crypto'
import { encodeCar, encodeCbor } from '#protocol/data'
import type { PlcClient, PlcOperation } from '#protocol/identity'
import { plcDid, plcOperationCid, signPlcOperation } from '#protocol/identity'
import { planCommit, Tree } from '#protocol/repo'
import { type Did, TidClock } from '#protocol/syntax'

export interface Asked {
  host: string
  nsid: string
  authorization: string | null
  /** Whom it is to be passed on to. */
  proxy: string | null
  cursor: string | null
  input: unknown
}

export type Answer = {
  status?: number
  json?: unknown
  bytes?: Uint8Array
  /** What the answer says of its length, when that is not so. */
  length?: number
}
type Handler = (asked: Asked) => Answer | undefined

export const FROM = 'https://from.example'
export const TO = 'https://to.example'
export const ok = (json: unknown = {}): Answer => ({ json })
export const refused = (status: number, error: string): Answer => ({
  status,
  json: { error, message: error },
})

/** A repository of a few records, as a CAR. */
export function repoOf(did: Did, key: SigningKey, recordCount: number, atMs = 1_700_000_000_000) {
  const writes = Array.from({ length: recordCount }, (_, i) => {
    const bytes = encodeCbor({ $type: 'com.example.note', text: `${i}` })
    const path = `com.example.note/${i}`
    return { action: 'create' as const, path, cid: cidForCbor(bytes), bytes }
  })
  const rev = new TidClock(() => atMs, 0).next()
  const plan = planCommit({ did, tree: Tree.empty(), writes, rev, key })
  return { head: plan.head, car: encodeCar([plan.head.commit], plan.blocks) }
}

export class FakeHosts {
  readonly asked: Asked[] = []
  readonly key = generateKey('k256')
  readonly #rotation = generateKey('k256')
  readonly genesis = this.operation(null, FROM)
  readonly did = plcDid(this.genesis)
  /** The operation in force. */
  last: PlcOperation = this.genesis
  /** Answers by host and method; a test replaces what it is about. */
  readonly #handlers = new Map<string, Handler>()

  operation(prev: string | null, endpoint: string): PlcOperation {
    return signPlcOperation(
      {
        type: 'plc_operation',
        rotationKeys: [this.#rotation.publicKey.didKey],
        verificationMethods: { atproto: this.key.publicKey.didKey },
        alsoKnownAs: ['at://alice.example'],
        services: { atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint } },
        prev,
      },
      this.#rotation,
    )
  }

  on(host: string, nsid: string, handler: Handler): void {
    this.#handlers.set(`${host} ${nsid}`, handler)
  }

  count(host: string, nsid: string): number {
    return this.asked.filter((one) => one.host === host && one.nsid === nsid).length
  }

  readonly fetch = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const { origin: host, pathname, searchParams } = new URL(url)
    const nsid = pathname.replace('/xrpc/', '')
    const { body } = init
    const input = typeof body === 'string' ? JSON.parse(body) : body
    const given = new Headers(init.headers)
    const [authorization, proxy] = [given.get('authorization'), given.get('atproto-proxy')]
    const asked = { host, nsid, authorization, proxy, cursor: searchParams.get('cursor'), input }
    this.asked.push(asked)
    const handler = this.#handlers.get(`${host} ${nsid}`)
    const answer = handler ? handler(asked) : refused(501, 'MethodNotImplemented')
    if (answer === undefined) throw new TypeError('the connection broke')
    const { status = 200, json, bytes, length } = answer
    if (bytes) {
      const headers = {
        'content-type': 'application/vnd.ipld.car',
        ...(length !== undefined && { 'content-length': String(length) }),
      }
      return new Response(bytes as Uint8Array<ArrayBuffer>, { status, headers })
    }
    const headers = { 'content-type': 'application/json' }
    return new Response(json === undefined ? null : JSON.stringify(json), { status, headers })
  }

  readonly plc: PlcClient = {
    data: () => Promise.reject(new Error('not asked for')),
    log: () => Promise.reject(new Error('not asked for')),
    submit: () => Promise.reject(new Error('not asked for')),
    last: async () => this.last,
  }

  get lastCid(): string {
    return plcOperationCid(this.last)
  }
}
