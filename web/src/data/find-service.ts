/** From what a person typed to a service that answers: by its DID, or by its address. */
import { isDid } from 'falaj/protocol/syntax'
import { cleanName, identityOf } from './identity.ts'
import type { Service } from './services.ts'

export type ServiceKind = 'view' | 'labeler'

const entries = { view: '#bsky_appview', labeler: '#atproto_labeler' } as const

/** Why something typed is no service: not a name at all, not one of these, or not answering. */
export class NoService extends Error {
  readonly why: 'name' | 'kind' | 'silent'
  constructor(why: NoService['why']) {
    super(why)
    this.why = why
  }
}

/** Finds a service by its identity, and asks it how it is. Throws NoService, or CallError. */
export async function findService(typed: string, kind: ServiceKind): Promise<Service> {
  const did = didFrom(typed)
  if (!did) throw new NoService('name')
  const { document } = await identityOf(did)
  const url = endpointIn(document, entries[kind])
  if (!url) throw new NoService('kind')
  await asksWell(url)
  return { did, url }
}

/** A DID, also with `#service` behind it; of an address, the DID that it stands for. */
function didFrom(typed: string): string | undefined {
  const text = cleanName(typed).split('#')[0] ?? ''
  if (isDid(text)) return text
  const bare = text.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
  const did = `did:web:${bare.replace(':', '%3A')}`
  return bare.includes('.') || bare.startsWith('localhost') ? did : undefined
}

function endpointIn(document: unknown, entry: string): string | undefined {
  const { service } = document as { service?: { id: string; serviceEndpoint: unknown }[] }
  const found = service?.find(({ id }) => id.endsWith(entry))?.serviceEndpoint
  return typeof found === 'string' ? found.replace(/\/+$/, '') : undefined
}

async function asksWell(url: string): Promise<void> {
  const signal = AbortSignal.timeout(6_000)
  const options = { signal, cache: 'no-store', credentials: 'omit' } as const
  const answer = await fetch(`${url}/xrpc/_health`, options).catch(() => undefined)
  if (!answer || answer.status >= 500) throw new NoService('silent')
}
