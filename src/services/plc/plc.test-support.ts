/** A directory in this process and people who have keys, for the tests of this room. */
import {
  createMetrics,
  type LocalTransport,
  localTransport,
  type Metrics,
  silentLog,
  type TestOutside,
  testOutside,
} from '#platform/runtime'
import { loadMigrations, openSqlite, type Sql } from '#platform/storage'
import { generateKey, type SigningKey } from '#protocol/crypto'
import {
  type AnyPlcOperation,
  type PlcLogEntry,
  type PlcOperation,
  plcDid,
  plcOperationCid,
  signPlcOperation,
  type UnsignedPlcOperation,
} from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { createPlc, type PlcConfig, plcConfig, plcMigrations } from './index.ts'

export const origin = 'http://localhost:2582'
export const HOUR_MS = 3_600_000

export interface TestPlc {
  outside: TestOutside
  transport: LocalTransport
  metrics: Metrics
  sql: Sql
  get(path: string): Promise<Response>
  json<T = unknown>(path: string): Promise<T>
  post(did: string, body: unknown): Promise<Response>
  /** Posts an operation that must be accepted; its CID. */
  accept(did: string, operation: AnyPlcOperation): Promise<string>
  /** Posts an operation that must be refused; status and message. */
  refuse(did: string, operation: unknown): Promise<{ status: number; message: string }>
  audit(did: string): Promise<PlcLogEntry[]>
  close(): Promise<void>
}

export interface TestPlcOptions {
  path?: string
  config?: Partial<PlcConfig>
  startMs?: number
}

export async function startPlc(options: TestPlcOptions = {}): Promise<TestPlc> {
  const outside = testOutside({ startMs: options.startMs })
  const transport = localTransport()
  const metrics = createMetrics()
  const sql = await openSqlite(options.path ?? ':memory:', {
    migrations: loadMigrations(plcMigrations),
    synchronous: 'FULL',
  })
  const config = plcConfig.with({ limits: false, ...options.config })
  const service = await createPlc(config, { outside, log: silentLog, metrics, sql })
  transport.add(origin, service)
  const get = (path: string) => transport.fetch(`${origin}${path}`)
  const post = (did: string, body: unknown) =>
    transport.fetch(`${origin}/${did}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body:
        typeof body === 'string' || body instanceof Uint8Array
          ? (body as BodyInit)
          : JSON.stringify(body),
    })
  const json = async <T>(path: string) => (await (await get(path)).json()) as T
  return {
    outside,
    transport,
    metrics,
    sql,
    get,
    post,
    json,
    async accept(did, operation) {
      const response = await post(did, operation)
      if (response.status !== 200) throw new Error(`refused: ${await response.text()}`)
      return plcOperationCid(operation)
    },
    async refuse(did, operation) {
      const response = await post(did, operation)
      const body = (await response.json()) as { message: string }
      return { status: response.status, message: body.message }
    },
    audit: (did) => json(`/${did}/log/audit`),
    close: () => service.close(),
  }
}

let seed = 0

/** A person: rotation keys, most powerful first, and operations signed with one of them. */
export class Person {
  readonly keys: SigningKey[]
  readonly genesis: PlcOperation
  readonly did: Did

  constructor(name = 'alice', keyCount = 3) {
    const { random } = testOutside({ seed: ++seed })
    this.keys = Array.from({ length: keyCount }, () => generateKey('k256', random))
    this.genesis = this.operation(null, { alsoKnownAs: [`at://${name}.test`] })
    this.did = plcDid(this.genesis)
  }

  operation(
    prev: string | null,
    fields: Partial<UnsignedPlcOperation> = {},
    signer = this.keys[0]!,
  ): PlcOperation {
    const unsigned: UnsignedPlcOperation = {
      type: 'plc_operation',
      rotationKeys: this.keys.map((key) => key.publicKey.didKey),
      verificationMethods: { atproto: this.keys[0]!.publicKey.didKey },
      alsoKnownAs: ['at://alice.test'],
      services: {
        atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: 'https://pds.example' },
      },
      prev,
      ...fields,
    }
    return signPlcOperation(unsigned, signer)
  }

  named(prev: string, name: string, signer = this.keys[0]!): PlcOperation {
    return this.operation(prev, { alsoKnownAs: [`at://${name}.test`] }, signer)
  }

  tombstone(prev: string, signer = this.keys[0]!) {
    return signPlcOperation({ type: 'plc_tombstone', prev } as const, signer)
  }
}
