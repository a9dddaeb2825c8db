/** Talking to a PLC directory as its client. */
import { type Did, ProtocolError } from '#protocol/syntax'
import {
  type Answer,
  boundedFetch,
  jsonBody,
  type Limits,
  type Net,
  unexpectedStatus,
} from './bounded-fetch.ts'
import { PlcDirectories, type PlcUrls } from './plc-directories.ts'
import type { PlcData } from './plc-document.ts'
import { type PlcLogState, verifyPlcLog } from './plc-log.ts'
import {
  type AnyPlcOperation,
  type PlcOperation,
  type PlcTombstone,
  parsePlcOperation,
} from './plc-operation.ts'
import { UpstreamError } from './upstream-error.ts'

export interface PlcClient {
  /** The state of a DID; undefined when the directory knows none, or it is tombstoned. */
  data(did: Did): Promise<PlcData | undefined>
  /** The operation in force; undefined when the directory does not know the DID. */
  last(did: Did): Promise<AnyPlcOperation | undefined>
  /** The whole log, verified here; undefined when the directory does not know the DID. */
  log(did: Did): Promise<PlcLogState | undefined>
  /**
   * Submits an operation. Throws ProtocolError 'PlcRefused' when the directory says no: it is not
   * in the log. Throws UpstreamError when the outcome is unknown: read the log before deciding.
   */
  submit(did: Did, operation: PlcOperation | PlcTombstone): Promise<void>
}

export interface PlcClientOptions extends Net {
  /**
   * Of several, the one that knows a DID is read and gets its operations; new ones go to the first.
   */
  plcUrl: PlcUrls
}

const READ_LIMITS: Limits = { maxBytes: 128 * 1024, timeoutMs: 10_000 }
/** 100 operations a week at 4 kB, for a year of weeks. */
const LOG_LIMITS: Limits = { maxBytes: 32 * 1024 * 1024, timeoutMs: 30_000 }
const SUBMIT_LIMITS: Limits = { maxBytes: 16 * 1024, timeoutMs: 15_000 }

/** A client of a directory, or of several. All answers are checked; all failures are UpstreamError. */
export function plcClient(options: PlcClientOptions): PlcClient {
  const directories = new PlcDirectories(options.plcUrl)
  const url = (origin: string, did: Did, path = '') => new URL(`/${did}${path}`, origin).href
  /** From whoever knows the DID; undefined when nobody does, or it is tombstoned. */
  const read = async <T>(did: Did, path: string, limits: Limits, parse: (json: unknown) => T) => {
    const found = await directories.ask(did, async (origin) => {
      const target = url(origin, did, path)
      const headers = { accept: 'application/json' }
      const answer = await boundedFetch(options, target, limits, { headers })
      if (answer.status === 404) return undefined
      if (answer.status === 410) return { value: undefined }
      if (answer.status !== 200) throw unexpectedStatus(target, answer)
      return { value: checked(target, () => parse(jsonBody(target, answer))) }
    })
    return found?.value.value
  }
  const last = (did: Did) => read(did, '/log/last', READ_LIMITS, parsePlcOperation)
  /** Where an operation goes: who begins a DID asks nobody. */
  const homeOf = async (did: Did, { prev }: PlcOperation | PlcTombstone) => {
    if (prev !== null && directories.answeredBy(did) === undefined) await last(did)
    return directories.answeredBy(did) ?? directories.first
  }
  return {
    data: (did) => read(did, '/data', READ_LIMITS, (json) => parsePlcData(did, json)),
    last,
    log: (did) =>
      read(did, '/log/audit', LOG_LIMITS, (json) =>
        verifyPlcLog(did, Array.isArray(json) ? json : []),
      ),
    async submit(did, operation) {
      const target = url(await homeOf(did, operation), did)
      const answer = await boundedFetch(options, target, SUBMIT_LIMITS, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(operation),
      })
      if (answer.status >= 200 && answer.status < 300) return
      if (answer.status >= 500) throw unexpectedStatus(target, answer)
      throw new ProtocolError('PlcRefused', `the directory refused: ${refusal(answer)}`)
    },
  }
}

/** What a directory sends and is not so is the directory's fault, not our caller's. */
function checked<T>(url: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    const { host } = new URL(url)
    throw new UpstreamError('UpstreamFailure', host, `${host}: ${cause.message}`, { cause })
  }
}

/** Checks a directory's `/data`: the fields of an operation, and the DID it was asked for. */
function parsePlcData(did: Did, json: unknown): PlcData {
  const { did: named, ...state } = (json ?? {}) as Record<string, unknown>
  if (named !== did) throw new ProtocolError('InvalidOperation', 'the state of another DID')
  parsePlcOperation({ type: 'plc_operation', prev: null, sig: '', ...state })
  return json as PlcData
}

const REASON_LENGTH = 300

/** The directory's own words, which is what helps the person who reads them. */
function refusal({ status, body }: Answer): string {
  const text = new TextDecoder().decode(body)
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    if (typeof message === 'string') return message.slice(0, REASON_LENGTH)
  } catch {
    // not JSON: the text itself is what it said
  }
  return `${status} ${text.slice(0, REASON_LENGTH)}`.trim()
}
