import type { Sql } from '#platform/storage'
import {
  type DidDocument,
  type Directory,
  type PlcState,
  plcDocument,
  validatePlcState,
} from '#protocol/identity'
import type { Did, Handle } from '#protocol/syntax'
import type { Accounts } from '../accounts/index.ts'

/** What a document says beside its DID. */
export type DocumentState = Omit<PlcState, 'rotationKeys'>

const DID_WEB = 'did:web:'

/**
 * Identities that are a name under a domain of this host: `did:web:<name>.<domain>`. Their documents
 * follow the accounts, unless the owner said something else: who moved away says where to. Nobody
 * rescues such an identity without this host: that is the price of needing no directory.
 */
export class HostedDids {
  readonly #sql: Sql
  readonly #accounts: () => Accounts
  readonly #domains: readonly string[]
  readonly #publicUrl: string
  readonly #isOn: boolean
  readonly #now: () => number

  constructor(options: {
    sql: Sql
    /** They are made later than this. */
    accounts: () => Accounts
    /** Suffixes of the handles of this host. */
    domains: readonly string[]
    publicUrl: string
    /** Whether new ones may be made; those there are go on. */
    isOn: boolean
    now: () => number
  }) {
    this.#sql = options.sql
    this.#accounts = options.accounts
    this.#domains = options.domains
    this.#publicUrl = options.publicUrl
    this.#isOn = options.isOn
    this.#now = options.now
  }

  /** Whether people may sign up with one: the DID of this handle. */
  mayBegin(did: string, handle: string): boolean {
    return this.#isOn && did === DID_WEB + handle.toLowerCase() && this.isHosted(did)
  }

  /** Whether the DID is a name one level below a domain of ours. */
  isHosted(did: string): boolean {
    if (!did.startsWith(DID_WEB)) return false
    const name = did.slice(DID_WEB.length)
    return this.#domains.some((domain) => {
      const label = name.endsWith(domain) ? name.slice(0, -domain.length) : ''
      return label !== '' && !label.includes('.') && !label.includes('%')
    })
  }

  /** The document of a DID of ours; undefined when there is none. */
  async document(did: Did): Promise<DidDocument | undefined> {
    const state = await this.#state(did)
    return state && plcDocument({ did, rotationKeys: [], ...state })
  }

  /** The document at a host name of ours. */
  async documentAt(name: string): Promise<DidDocument | undefined> {
    const did = `${DID_WEB}${name}` as Did
    return this.isHosted(did) ? await this.document(did) : undefined
  }

  async #state(did: Did): Promise<DocumentState | undefined> {
    const row = await this.#sql.get<{ state: string }>(
      'SELECT state FROM hosted_documents WHERE did = ?',
      [did],
    )
    if (row !== undefined) return JSON.parse(row.state) as DocumentState
    const account = await this.#accounts().get(did)
    if (account === undefined) return undefined
    return {
      alsoKnownAs: [`at://${account.handle as Handle}`],
      verificationMethods: { atproto: account.signingKey.publicKey.didKey },
      services: {
        atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: this.#publicUrl },
      },
    }
  }

  /**
   * Says something else in the document, such as another host: what is not named stays. Throws
   * InvalidOperation for what cannot be in one.
   */
  async change(did: Did, wanted: Partial<DocumentState>): Promise<void> {
    const now = await this.#state(did)
    if (now === undefined) return
    const state: DocumentState = {
      alsoKnownAs: wanted.alsoKnownAs ?? now.alsoKnownAs,
      verificationMethods: wanted.verificationMethods ?? now.verificationMethods,
      services: wanted.services ?? now.services,
    }
    validatePlcState(state)
    await this.#sql.run(
      `INSERT INTO hosted_documents (did, state, changed_ms) VALUES (?, ?, ?)
       ON CONFLICT (did) DO UPDATE SET state = excluded.state, changed_ms = excluded.changed_ms`,
      [did, JSON.stringify(state), this.#now()],
    )
  }

  /** Lets the document follow the account again: it is here. */
  async follow(did: Did): Promise<void> {
    await this.#sql.run('DELETE FROM hosted_documents WHERE did = ?', [did])
  }

  /** A directory that answers for ours itself: they live nowhere else. */
  before(directory: Directory): Directory {
    return {
      document: (did, lookup) =>
        this.isHosted(did) ? this.document(did) : directory.document(did, lookup),
      resolveHandle: (handle, lookup) => directory.resolveHandle(handle, lookup),
    }
  }
}
