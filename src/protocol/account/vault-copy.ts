/** An account's copy in a vault, as its owner (or the vault's operator) reaches it; and back into a host. */
import {
  ComAtprotoRepoImportRepo,
  ComAtprotoRepoListMissingBlobs,
  ComAtprotoRepoUploadBlob,
  ComAtprotoServerActivateAccount,
  ComAtprotoServerCheckAccountStatus,
  ComAtprotoServerDeactivateAccount,
  ComAtprotoServerGetServiceAuth,
  ComAtprotoSyncGetLatestCommit,
} from '@atcute/atproto'
import { signServiceAuth } from '#protocol/auth'
import { cidForRaw, type SigningKey } from '#protocol/crypto'
import { cidText } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import { type Fetch, type XrpcClient, XrpcError, xrpcClient } from '#protocol/xrpc'
import type { PrivatePartCopied } from './move-state.ts'
import { givePrivateState, type PrivateState } from './private-copy.ts'
import { isUnknownMethod } from './session.ts'
import {
  describeVault,
  getVaultAccount,
  getVaultBlob,
  getVaultPrivate,
  getVaultRepo,
  listVaultBlobs,
  type VaultAccount,
} from './vault-lexicons.ts'

/** Says who calls a method of the vault: the value of `authorization`. */
export type VaultProof = (lxm: string, vaultDid: string) => string | Promise<string>

/** As the vault's operator. */
export const operatorProof =
  (password: string): VaultProof =>
  () =>
    `Basic ${btoa(`admin:${password}`)}`

/** By the host that an owner is signed in at. */
export const hostProof =
  (host: XrpcClient): VaultProof =>
  async (lxm, aud) => {
    const params = { aud: aud as Did, lxm: lxm as `${string}.${string}.${string}` }
    const { token } = await host.get(ComAtprotoServerGetServiceAuth.mainSchema, params)
    return `Bearer ${token}`
  }

/** By a rotation key of the account, such as its owner's recovery key: the host need not be there. */
export const keyProof =
  ({
    did,
    key,
    now,
    random,
  }: {
    did: Did
    key: SigningKey
    now(): number
    random(byteCount: number): Uint8Array
  }): VaultProof =>
  (lxm, aud) => {
    const jti = cidText(cidForRaw(random(16)))
    return `Bearer ${signServiceAuth({ iss: did, aud, lxm, nowMs: now(), key, jti })}`
  }

/** One account in a vault. */
export interface VaultCopy {
  /** How it is kept. Throws XrpcError NotKept. */
  account(): Promise<VaultAccount>
  /** The repository as it was at a time, ISO 8601; by default as it is. */
  repo(at?: string): AsyncIterable<Uint8Array>
  /** Undefined when the vault has none. */
  blob(cid: string): Promise<Uint8Array | undefined>
  /** CIDs of all blobs that are kept. */
  blobs(): AsyncIterable<string>
  /** What was known beside the repository at a time, ISO 8601; undefined when the vault has none. */
  privateState(at?: string): Promise<PrivateState | undefined>
}

const BLOB_BYTES_MAX = 512 * 1024 * 1024
const PRIVATE_BYTES_MAX = 64 * 1024 * 1024
const PAGE = 500

/** Reaches an account's copy. Nothing is called before it is used. */
export function vaultCopy(options: {
  /** Origin of the vault. */
  vault: string
  did: Did
  proof: VaultProof
  fetch: Fetch
}): VaultCopy {
  const { vault: service, did, proof, fetch } = options
  const client = xrpcClient({ service, fetch })
  let vaultDid: Promise<string> | undefined
  const as = async (lxm: string) => {
    vaultDid ??= client.get(describeVault, {}).then((answer) => answer.did)
    return { headers: { authorization: await proof(lxm, await vaultDid) } }
  }
  return {
    account: async () => client.get(getVaultAccount, { did }, await as(getVaultAccount.nsid)),
    async *repo(at) {
      const params = { did, ...(at !== undefined && { at }) }
      const { body } = await client.getStream(getVaultRepo, params, await as(getVaultRepo.nsid))
      yield* body
    },
    async blob(cid) {
      const call = { ...(await as(getVaultBlob.nsid)), maxBytes: BLOB_BYTES_MAX }
      try {
        return await client.getBytes(getVaultBlob, { did, cid }, call)
      } catch (error) {
        if (error instanceof XrpcError && error.error === 'BlobNotFound') return undefined
        throw error
      }
    },
    async *blobs() {
      let cursor: string | undefined
      do {
        const params = { did, limit: PAGE, ...(cursor !== undefined && { cursor }) }
        const page = await client.get(listVaultBlobs, params, await as(listVaultBlobs.nsid))
        yield* page.cids
        cursor = page.cursor
      } while (cursor !== undefined)
    },
    async privateState(at) {
      const params = { did, ...(at !== undefined && { at }) }
      const call = { ...(await as(getVaultPrivate.nsid)), maxBytes: PRIVATE_BYTES_MAX }
      try {
        return await client.get(getVaultPrivate, params, call)
      } catch (error) {
        const isNone = error instanceof XrpcError && error.error === 'InstantNotKept'
        if (isNone || isUnknownMethod(error)) return undefined
        throw error
      }
    },
  }
}

export type RestoreStep = 'rest' | 'repo' | 'blobs' | 'wake' | 'private'

export interface RestoreProgress {
  step: RestoreStep
  done?: number
  total?: number
}

/** What a restore came to. */
export interface Restored {
  did: string
  at: string | undefined
  records: number
  blobs: number
  /** CIDs of blobs that the vault does not have. */
  missingBlobs: string[]
  /** What became of what is not in the repository. */
  privateParts: PrivatePartCopied[]
  /** The newest commit of the host afterwards. */
  rev: string
}

/**
 * Sets an account at its host back to what it was. It rests meanwhile, and is awake again at the end.
 * What it throws leaves it resting: the same call goes on from there.
 */
export async function* restore(
  { client, did }: { client: XrpcClient; did: Did },
  copy: VaultCopy,
  at?: string,
): AsyncGenerator<RestoreProgress, Restored> {
  await copy.account()
  const beside = await copy.privateState(at)
  const status = () => client.get(ComAtprotoServerCheckAccountStatus.mainSchema, {})
  yield { step: 'rest' }
  if ((await status()).activated)
    await client.post(ComAtprotoServerDeactivateAccount.mainSchema, {} as never)
  yield { step: 'repo' }
  const input = { encoding: 'application/vnd.ipld.car', body: copy.repo(at) }
  await client.post(ComAtprotoRepoImportRepo.mainSchema, input as never)
  const missingBlobs = yield* bringBlobs(client, copy)
  yield { step: 'wake' }
  await client.post(ComAtprotoServerActivateAccount.mainSchema, undefined)
  yield { step: 'private' }
  const privateParts = beside ? await givePrivateState(client, beside) : []
  const { indexedRecords, importedBlobs } = await status()
  const { rev } = await client.get(ComAtprotoSyncGetLatestCommit.mainSchema, { did })
  const counts = { records: indexedRecords, blobs: importedBlobs }
  return { did, at, ...counts, missingBlobs, privateParts, rev }
}

async function* bringBlobs(
  client: XrpcClient,
  copy: VaultCopy,
): AsyncGenerator<RestoreProgress, string[]> {
  const lost: string[] = []
  let done = 0
  let cursor: string | undefined
  do {
    yield { step: 'blobs', done, total: done + lost.length }
    const schema = ComAtprotoRepoListMissingBlobs.mainSchema
    const page = await client.get(schema, { limit: PAGE, cursor })
    for (const { cid } of page.blobs) {
      const body = await copy.blob(cid)
      if (body === undefined || cidText(cidForRaw(body)) !== cid) {
        lost.push(cid)
        continue
      }
      const encoding = 'application/octet-stream'
      await client.post(ComAtprotoRepoUploadBlob.mainSchema, { encoding, body } as never)
      done++
    }
    cursor = page.blobs.length < PAGE ? undefined : page.cursor
  } while (cursor !== undefined)
  return lost
}
