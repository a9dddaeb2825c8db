/** From a DID to its document: did:plc at a directory, did:web at its own domain. */
import { type Did, isHandle } from '#protocol/syntax'
import { boundedFetch, jsonBody, type Limits, type Net, unexpectedStatus } from './bounded-fetch.ts'
import { type DidDocument, parseDidDocument } from './document.ts'
import { PlcDirectories, type PlcUrls } from './plc-directories.ts'
import { UpstreamError } from './upstream-error.ts'

/** Generous in size: a document with every list full is about 10 kB. People wait for it: not in time. */
const DOCUMENT_LIMITS: Limits = { maxBytes: 128 * 1024, timeoutMs: 4_000 }

export interface DidResolution extends Net {
  /** Origin of the PLC directory, or of several in the order they are asked. */
  plcUrl: PlcUrls
  /** Whether did:web on localhost is fetched by http. Local networks and tests only. */
  allowHttp?: boolean
}

const PLC_DID = /^did:plc:[a-z2-7]{24}$/

/** Whether the text is a did:plc in its only form: 24 base32 characters, lower case. */
export function isPlcDid(text: unknown): text is Did<'plc'> {
  return typeof text === 'string' && PLC_DID.test(text)
}

/**
 * The document of a DID, from its authority. Undefined when the authority says there is none
 * (unknown, or a tombstone) or when no authority could exist (another method, a malformed name).
 * Throws UpstreamError when the question stays open.
 */
export async function resolveDid(
  did: Did,
  net: DidResolution,
  directories = new PlcDirectories(net.plcUrl),
): Promise<DidDocument | undefined> {
  if (!did.startsWith('did:plc:')) {
    const url = webDocumentUrl(did, net)
    return url === undefined ? undefined : (await documentAt(did, url, net))?.document
  }
  if (!isPlcDid(did)) return undefined
  const found = await directories.ask(did, (url) =>
    documentAt(did, new URL(`/${did}`, url).href, net),
  )
  return found?.value.document
}

/** What one authority says: undefined that it knows none, a document that is undefined that it ended. */
async function documentAt(
  did: Did,
  url: string,
  net: Net,
): Promise<{ document: DidDocument | undefined } | undefined> {
  const answer = await boundedFetch(net, url, DOCUMENT_LIMITS, {
    headers: { accept: 'application/did+ld+json, application/json' },
    redirect: 'error', // a document is its own domain's word, or nobody's
  })
  if (answer.status === 404) return undefined
  if (answer.status === 410) return { document: undefined }
  if (answer.status !== 200) throw unexpectedStatus(url, answer)
  return { document: checkedDocument(did, url, jsonBody(url, answer)) }
}

function checkedDocument(did: Did, url: string, json: unknown): DidDocument {
  const { host } = new URL(url)
  let document: DidDocument
  try {
    document = parseDidDocument(json)
  } catch (cause) {
    const problem = `${host} sent no usable document for ${did}`
    throw new UpstreamError('UpstreamFailure', host, problem, { cause })
  }
  if (document.id === did) return document
  throw new UpstreamError('UpstreamFailure', host, `${host} sent another DID's document for ${did}`)
}

function webDocumentUrl(did: Did, net: DidResolution): string | undefined {
  if (!did.startsWith('did:web:')) return undefined
  const origin = didWebOrigin(did, net.allowHttp ?? false)
  return origin && `${origin}/.well-known/did.json`
}

const DID_WEB = /^did:web:(?<host>[a-zA-Z0-9.-]+)(?:%3[aA](?<port>[1-9][0-9]{0,4}))?$/

/**
 * Where a did:web lives: a whole domain, as atproto has it (no paths), with a port after `%3A`.
 * https always, except for localhost with `allowHttp`. Undefined when it can live nowhere.
 * https://w3c-ccg.github.io/did-method-web/
 */
export function didWebOrigin(did: string, allowHttp: boolean): string | undefined {
  const { host, port } = DID_WEB.exec(did)?.groups ?? {}
  if (host === undefined || Number(port ?? 0) > 65_535) return undefined
  const local = host === 'localhost'
  if (!local && !isHandle(host)) return undefined
  if (local && !allowHttp) return undefined
  return `${local ? 'http' : 'https'}://${host}${port === undefined ? '' : `:${port}`}`
}
