/** DID documents: the checked JSON and what atproto reads out of it. https://atproto.com/specs/did */
import {
  type Did,
  type Handle,
  isDid,
  isHandle,
  ProtocolError,
  parseHandle,
} from '#protocol/syntax'
import { verificationMethodKey } from './verification-method.ts'

/** A key of a DID document. `id` is absolute (`did:…#atproto`) or relative (`#atproto`). */
export interface VerificationMethod {
  id: string
  type: string
  controller?: string
  publicKeyMultibase?: string
}

/** A service of a DID document; only a text endpoint is of use to atproto. */
export interface DidService {
  id: string
  type: string
  serviceEndpoint: string
}

/** A DID document with the fields atproto reads; fields it does not know stay as they came. */
export interface DidDocument {
  '@context'?: unknown
  id: Did
  alsoKnownAs: string[]
  verificationMethod: VerificationMethod[]
  service: DidService[]
  [other: string]: unknown
}

/** What a DID document says about an atproto account or service. Claims, not proofs. */
export interface Identity {
  did: Did
  /** The claimed handle: the first `at://` entry of alsoKnownAs, when it is a handle at all. */
  handle: Handle | undefined
  /** The repository's signing key, as did:key. */
  signingKey: string | undefined
  /** The key that signs labels, as did:key. */
  labelerKey: string | undefined
  /** Origin of the account's PDS: `https://pds.example`. */
  pds: string | undefined
  /** Endpoint of the service with this id (`atproto_pds` or `#atproto_pds`), without a last slash. */
  service(id: string, type?: string): string | undefined
}

/**
 * Checks that the JSON is a DID document. Absent or null lists become empty; entries that lack what
 * their list demands are left out, as they name keys and services we could not use. Throws
 * 'InvalidDidDocument'.
 */
export function parseDidDocument(json: unknown): DidDocument {
  if (!isObject(json)) throw invalidDocument('not an object')
  if (!isDid(json.id)) throw invalidDocument('its id is not a DID')
  return {
    ...json,
    id: json.id,
    alsoKnownAs: list(json, 'alsoKnownAs').filter((entry) => typeof entry === 'string'),
    verificationMethod: list(json, 'verificationMethod').filter(isVerificationMethod),
    service: list(json, 'service').filter(isService),
  }
}

const identities = new WeakMap<DidDocument, Identity>()

/** Reads a document; kept with the document, so asking again costs nothing. */
export function identityOf(document: DidDocument): Identity {
  let identity = identities.get(document)
  if (identity === undefined) identities.set(document, (identity = readIdentity(document)))
  return identity
}

function readIdentity(document: DidDocument): Identity {
  const did = document.id
  const service = (id: string, type?: string) => serviceEndpoint(document, id, type)
  const pds = service('atproto_pds', 'AtprotoPersonalDataServer')
  return {
    did,
    handle: claimedHandle(document),
    signingKey: keyNamed(document, 'atproto'),
    labelerKey: keyNamed(document, 'atproto_label'),
    pds: pds === undefined ? undefined : new URL(pds).origin,
    service,
  }
}

function claimedHandle({ alsoKnownAs }: DidDocument): Handle | undefined {
  const first = alsoKnownAs.find((name) => name.startsWith('at://'))?.slice('at://'.length)
  return first !== undefined && isHandle(first) ? parseHandle(first) : undefined
}

function keyNamed(document: DidDocument, name: string): string | undefined {
  const method = document.verificationMethod.find((entry) => hasId(document, entry, name))
  return method && verificationMethodKey(method)
}

function serviceEndpoint(document: DidDocument, id: string, type?: string): string | undefined {
  const name = id.startsWith('#') ? id.slice(1) : id
  const found = document.service.find((entry) => hasId(document, entry, name))
  if (found === undefined || (type !== undefined && found.type !== type)) return undefined
  return httpUrl(found.serviceEndpoint)
}

function hasId(document: DidDocument, entry: { id: string }, name: string): boolean {
  return entry.id === `#${name}` || entry.id === `${document.id}#${name}`
}

/** A web URL without credentials, query or fragment; anything else is no place to send requests. */
function httpUrl(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined
  if (url.username || url.password || url.search || url.hash) return undefined
  return url.origin + url.pathname.replace(/\/+$/, '')
}

function list(json: Record<string, unknown>, field: string): unknown[] {
  const value = json[field] ?? []
  if (!Array.isArray(value)) throw invalidDocument(`its ${field} is not a list`)
  return value
}

function isVerificationMethod(entry: unknown): entry is VerificationMethod {
  if (!isObject(entry)) return false
  const { id, type, controller, publicKeyMultibase } = entry
  return (
    typeof id === 'string' &&
    typeof type === 'string' &&
    (controller === undefined || typeof controller === 'string') &&
    (publicKeyMultibase === undefined || typeof publicKeyMultibase === 'string')
  )
}

function isService(entry: unknown): entry is DidService {
  if (!isObject(entry)) return false
  const { id, type, serviceEndpoint } = entry
  return [id, type, serviceEndpoint].every((field) => typeof field === 'string')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalidDocument(problem: string): ProtocolError {
  return new ProtocolError('InvalidDidDocument', `not a usable DID document: ${problem}`)
}
