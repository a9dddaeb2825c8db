/** From a name to a person to the host that holds their account. */
import { network } from '../app/config.ts'
import { CallError, hostOf, query } from './xrpc.ts'

export interface Identity {
  did: string
  /** The handle that the DID document claims, if any. */
  handle?: string
  /** The origin of the host, if the document names one. */
  pds?: string
  document: unknown
}

// Text copied out of right-to-left lines often brings invisible direction marks along.
const invisible = /[\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]/g

/** What a person typed as a name, made clean: no spaces, marks or leading @, lower case. */
export function cleanName(typed: string): string {
  const bare = typed.replace(invisible, '').trim().replace(/^@/, '')
  return bare.startsWith('did:') ? bare : bare.toLowerCase()
}

/** The DID behind a handle, or undefined when nobody has it. Throws when nobody could be asked. */
export async function didOf(handle: string, signal?: AbortSignal): Promise<string | undefined> {
  const { pds, appview } = network()
  const owner = pds.filter(({ handleDomains }) =>
    handleDomains.some((domain) => handle.endsWith(domain)),
  )
  const others = pds.filter((host) => !owner.includes(host))
  const places = [...owner, { url: appview.url }, ...others].map(({ url }) => url)
  let failure: unknown
  for (const place of new Set(places)) {
    try {
      const params = { handle }
      const options = { params, signal, timeoutMs: 8_000 }
      return (await query<{ did: string }>(place, 'com.atproto.identity.resolveHandle', options))
        .did
    } catch (error) {
      const answered = error instanceof CallError && error.status >= 400 && error.status < 500
      if (!answered) failure ??= error
    }
  }
  if (failure) throw failure
  return undefined
}

/** Reads a DID document and says who and where. Throws CallError; 404 when there is no such DID. */
export async function identityOf(did: string, signal?: AbortSignal): Promise<Identity> {
  const url = documentUrl(did)
  const timeout = AbortSignal.timeout(10_000)
  const fail = (status: number, error: string, message: string) =>
    new CallError({ status, error, message, host: hostOf(url) })
  let response: Response
  try {
    const both = signal ? AbortSignal.any([signal, timeout]) : timeout
    response = await fetch(url, { signal: both, credentials: 'omit' })
  } catch (error) {
    throw fail(0, navigator.onLine ? 'Unreachable' : 'Offline', String(error))
  }
  if (!response.ok) throw fail(response.status, 'NotFound', `no document for ${did}`)
  const document = (await response.json()) as DidDocument
  return { did, document, handle: claimedHandle(document), pds: hostIn(document) }
}

interface DidDocument {
  alsoKnownAs?: string[]
  service?: { id: string; type: string; serviceEndpoint: unknown }[]
}

function documentUrl(did: string): string {
  if (did.startsWith('did:web:')) {
    const host = decodeURIComponent(did.slice('did:web:'.length))
    const scheme = host.startsWith('localhost') ? 'http' : 'https'
    return `${scheme}://${host}/.well-known/did.json`
  }
  return `${network().plc}/${did}`
}

function claimedHandle({ alsoKnownAs }: DidDocument): string | undefined {
  return alsoKnownAs?.find((name) => name.startsWith('at://'))?.slice('at://'.length)
}

function hostIn({ service }: DidDocument): string | undefined {
  const entry = service?.find(({ id }) => id.endsWith('#atproto_pds'))
  const endpoint = entry?.serviceEndpoint
  return typeof endpoint === 'string' ? endpoint.replace(/\/+$/, '') : undefined
}
