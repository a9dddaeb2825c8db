/** What pages ask of other hosts for somebody who moves: where they are, who they are, what is there. */
import {
  ComAtprotoServerDeleteSession,
  ComAtprotoServerDescribeServer,
  ComAtprotoServerGetSession,
} from '@atcute/atproto'
import { confirmPassword, type MoveSource, resumeSession, signIn } from '#protocol/account'
import {
  type CachedDirectory,
  type DidDocument,
  identityOf,
  type PlcClient,
  type PlcCredentials,
  type PlcLogState,
} from '#protocol/identity'
import { type Did, type Handle, isDid, isHandle } from '#protocol/syntax'
import { type Fetch, XrpcError, xrpcClient } from '#protocol/xrpc'

/** Somebody who signed in at the host they want to leave. */
export interface SignedInThere extends MoveSource {
  did: Did
  handle: Handle
  email: string | undefined
}

/** A host that somebody thinks of moving to. */
export interface OtherHost {
  origin: string
  inviteRequired: boolean
  /** Has the page that begins a move. */
  isOurs: boolean
}

/** Where a host of ours begins a move. */
export const MOVE_HERE_PATH = '/account/move-here'

export class OtherHosts {
  readonly #fetch: Fetch
  readonly #directory: CachedDirectory

  readonly #plc: PlcClient

  constructor({
    fetch,
    directory,
    plc,
  }: {
    fetch: Fetch
    directory: CachedDirectory
    plc: PlcClient
  }) {
    this.#fetch = fetch
    this.#plc = plc
    this.#directory = directory
  }

  /**
   * Signs in with the account's own password at the host its identity names, or at the one given.
   * Throws HostNotFound, and what that host says: AuthenticationRequired, AuthFactorTokenRequired.
   */
  async signIn(given: {
    name: string
    password: string
    factor?: string | undefined
    source?: string | undefined
  }): Promise<SignedInThere> {
    const name = given.name.replace(/^@/, '').toLowerCase()
    const service = given.source ? originOf(given.source) : await this.#hostOf(name)
    if (service === undefined) throw new XrpcError(400, 'HostNotFound', `No host of ${name}`)
    const { factor } = given
    const askFactor = factor ? { askFactor: async () => factor } : {}
    const there = { service, fetch: this.#fetch }
    const { client, state } = await signIn(there, name, given.password, askFactor)
    const { email } = await client.get(ComAtprotoServerGetSession.mainSchema, {})
    const { did, handle, accessJwt, refreshJwt } = state
    return { source: service, session: { accessJwt, refreshJwt }, did, handle, email }
  }

  async #hostOf(name: string): Promise<string | undefined> {
    const did = await this.didOf(name)
    const document = did && (await this.#directory.document(did, { fresh: true }))
    return document && identityOf(document).pds
  }

  /** Whose name it is: a handle with or without its @, or a DID. */
  async didOf(name: string): Promise<Did | undefined> {
    const text = name.replace(/^@/, '').toLowerCase()
    if (isHandle(text)) return this.#directory.resolveHandle(text, { fresh: true })
    return isDid(text) ? text : undefined
  }

  /** What the directory of identities holds of a DID. Throws UpstreamError. */
  logOf(did: Did): Promise<PlcLogState | undefined> {
    return this.#plc.log(did)
  }

  /** Where the old host sends no mail, the password stands for the letter; undefined where it does. */
  async code({ source, session, did, handle }: SignedInThere, password: string) {
    const kept = { service: source, did, handle, ...session }
    const { client } = resumeSession(kept, { fetch: this.#fetch })
    try {
      return (await client.post(confirmPassword, { password, purpose: 'plc-operation' })).code
    } catch (error) {
      if (error instanceof XrpcError && error.status < 500) return undefined
      throw error
    }
  }

  /** Ends a session that was opened for a move which will not be; best effort. */
  async leave({ source, session }: MoveSource): Promise<void> {
    const client = xrpcClient({ service: source, fetch: this.#fetch })
    const headers = { authorization: `Bearer ${session.refreshJwt}` }
    const schema = ComAtprotoServerDeleteSession.mainSchema
    await client.post(schema, undefined, {}, { headers }).catch(() => {})
  }

  /** What a host says of itself; undefined when none answers there. */
  async look(address: string): Promise<OtherHost | undefined> {
    const origin = originOf(address)
    if (origin === undefined) return undefined
    try {
      const client = xrpcClient({ service: origin, fetch: this.#fetch })
      const said = await client.get(ComAtprotoServerDescribeServer.mainSchema, {})
      const page = await this.#fetch(`${origin}${MOVE_HERE_PATH}`, { method: 'HEAD' })
      await page.body?.cancel()
      return { origin, inviteRequired: said.inviteCodeRequired ?? false, isOurs: page.ok }
    } catch (error) {
      if (error instanceof XrpcError) return undefined
      throw error
    }
  }

  /** Where the identity says that an account is; undefined when nobody can say. */
  async homeOf(did: Did, { fresh = false } = {}): Promise<string | undefined> {
    const document = await this.#directory.document(did, { fresh }).catch(() => undefined)
    return document && identityOf(document).pds
  }

  /** The document of somebody's domain: as it is, and as it has to be. */
  async documentOf(did: Did, wanted: PlcCredentials): Promise<WantedDocument> {
    const now = await this.#directory.document(did, { fresh: true }).catch(() => undefined)
    return wantedDocument(did, now, wanted)
  }
}

export interface WantedDocument {
  /** What has to be changed, and whether it is. */
  checks: { what: 'handle' | 'key' | 'host'; wanted: string; isThere: boolean }[]
  /** Whether the document could be read at all. */
  isReadable: boolean
  document: object
}

/** Everything else of the document stays as it is. */
export function wantedDocument(
  did: Did,
  now: DidDocument | undefined,
  { alsoKnownAs = [], verificationMethods = {}, services = {} }: PlcCredentials,
): WantedDocument {
  const handle = alsoKnownAs[0]
  const key = verificationMethods.atproto
  const host = services.atproto_pds?.endpoint
  const identity = now && identityOf(now)
  const others = <T extends { id: string }>(list: readonly T[], name: string) =>
    list.filter(({ id }) => id !== `#${name}` && id !== `${did}#${name}`)
  const names = (now?.alsoKnownAs ?? []).filter(
    (name) => !name.startsWith('at://') && name !== handle,
  )
  const document = {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
    ...now,
    id: did,
    alsoKnownAs: [...(handle ? [handle] : []), ...names],
    verificationMethod: [
      {
        id: `${did}#atproto`,
        type: 'Multikey',
        controller: did,
        publicKeyMultibase: key?.replace(/^did:key:/, ''),
      },
      ...others(now?.verificationMethod ?? [], 'atproto'),
    ],
    service: [
      { id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: host },
      ...others(now?.service ?? [], 'atproto_pds'),
    ],
  }
  const origin = host && new URL(host).origin
  return {
    checks: [
      ...(handle
        ? [{ what: 'handle' as const, wanted: handle, isThere: now?.alsoKnownAs[0] === handle }]
        : []),
      { what: 'key', wanted: key ?? '', isThere: identity?.signingKey === key },
      { what: 'host', wanted: host ?? '', isThere: identity?.pds === origin },
    ],
    isReadable: now !== undefined,
    document,
  }
}

/** A host's origin, also of its bare name. */
function originOf(address: string): string | undefined {
  const text = /^https?:\/\//i.test(address.trim()) ? address.trim() : `https://${address.trim()}`
  const url = URL.parse(text)
  return url && url.hostname !== '' && !url.username ? url.origin : undefined
}
