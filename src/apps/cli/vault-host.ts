/**
 * `falaj vault restore-host`: every account that a vault keeps of a host, as it was at a time. Either beside
 * it, as archives in a folder, which nobody hears of; or into another host, by the key of the organisation
 * that stands above the host's in its people's identities. Begun again, it goes on where it was.
 */
import { randomBytes } from 'node:crypto'
import { appendFileSync, createWriteStream, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ComAtprotoServerDescribeServer, ComAtprotoSyncGetRepoStatus } from '@atcute/atproto'
import {
  archiveAbout,
  listVaultAccounts,
  PRIVATE_STATE_FILE,
  type RecoveryDeps,
  recover,
  type VaultAccount,
  type VaultCopy,
  type VaultProof,
  vaultCopy,
} from '#protocol/account'
import { base32 } from '#protocol/crypto'
import { isPlcDid, plcClient, plcState, recoveryKey } from '#protocol/identity'
import { readRepo } from '#protocol/repo'
import type { Did, Handle } from '#protocol/syntax'
import { type Fetch, type XrpcClient, XrpcError, xrpcClient } from '#protocol/xrpc'
import { chunksOf } from './chunks.ts'
import { type Flags, readOrigin, requireFlags } from './flags.ts'
import { readWords } from './sheet.ts'
import { endProgress, shown, showProgress, tell } from './terminal.ts'

export interface HostReach {
  vault: string
  proof: VaultProof
  fetch: Fetch
  at: string | undefined
}

/** What became of one account; the word is counted, and told. */
type Outcome = 'restored' | 'was-there' | 'nothing-so-old' | 'elsewhere' | 'did-web' | 'failed'

interface Restored {
  did: Did
  outcome: Outcome
  records?: number
  blobs?: number
  missingBlobs?: number
  problem?: string
}

const AT_ONCE = 4

/** Restores what the flags name. 1 when an account failed: the same command tries it again. */
export async function restoreHost(flags: Flags, reach: HostReach): Promise<number> {
  const from = typeof flags.from === 'string' ? readOrigin('from', flags.from) : undefined
  const all = (await accountsOf(reach)).filter(({ host }) => from === undefined || host === from)
  const one =
    typeof flags.to === 'string' ? await intoHost(flags, reach) : await beside(flags, reach)
  const results: Restored[] = []
  const waiting = [...all]
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      results.push(await tried(one, next, reach))
      showProgress(shown(next.did), { done: results.length, total: all.length })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  endProgress()
  const counts = Object.groupBy(results, ({ outcome }) => outcome)
  const lines = Object.entries(counts).map(
    ([outcome, of]) => `${outcome.padEnd(15)} ${of.length}\n`,
  )
  const failed = counts.failed ?? []
  const why = failed.map(({ did, problem }) => `  ${did}: ${shown(problem ?? '')}\n`)
  tell(flags, { accounts: results }, [...lines, ...why].join('') || 'Nothing is kept.\n')
  return failed.length > 0 ? 1 : 0
}

type RestoreOne = (account: VaultAccount, copy: VaultCopy) => Promise<Omit<Restored, 'did'>>

async function tried(one: RestoreOne, account: VaultAccount, reach: HostReach): Promise<Restored> {
  const did = account.did as Did
  try {
    return { did, ...(await one(account, vaultCopy({ ...reach, did }))) }
  } catch (error) {
    if (error instanceof XrpcError && error.error === 'InstantNotKept')
      return { did, outcome: 'nothing-so-old' }
    return { did, outcome: 'failed', problem: (error as Error).message }
  }
}

async function accountsOf({ vault, proof, fetch }: HostReach): Promise<VaultAccount[]> {
  const authorization = await proof('', '')
  const client = xrpcClient({ service: vault, fetch, headers: { authorization } })
  const accounts: VaultAccount[] = []
  let cursor: string | undefined
  do {
    const page = await client.get(listVaultAccounts, { limit: 500, ...(cursor && { cursor }) })
    accounts.push(...page.accounts.filter(({ state }) => state !== 'erased'))
    cursor = page.cursor
  } while (cursor !== undefined)
  return accounts
}

/** An archive of each, in a folder of its DID: what `falaj import` and `identity recover --archive` take. */
async function beside(flags: Flags, { at }: HostReach): Promise<RestoreOne> {
  const { out } = requireFlags(flags, ['out'])
  return async ({ did, host }, copy) => {
    const folder = join(out, did.replaceAll(':', '_'))
    if (existsSync(folder)) return { outcome: 'was-there' }
    const part = `${folder}.part`
    mkdirSync(join(part, 'blobs'), { recursive: true })
    const car = join(part, 'repo.car')
    await pipeline(copy.repo(at), createWriteStream(car))
    const { records } = await readRepo(chunksOf(car), { did: did as Did })
    let count = 0
    for await (const some of records) count += some.length
    const { blobs, missing } = await blobsOf(copy, join(part, 'blobs'))
    const takenAt = at ?? new Date().toISOString()
    await writeFile(join(part, 'account.json'), archiveAbout({ did, handle: did, host, takenAt }))
    await privateTo(part, copy, at)
    await rename(part, folder)
    return { outcome: 'restored', records: count, blobs, missingBlobs: missing }
  }
}

async function blobsOf(copy: VaultCopy, folder: string) {
  let [blobs, missing] = [0, 0]
  for await (const cid of copy.blobs()) {
    if (!/^[a-z2-7]+$/.test(cid)) continue
    const path = join(folder, cid)
    if (!existsSync(path)) {
      const bytes = await copy.blob(cid)
      if (bytes === undefined) {
        missing++
        continue
      }
      // Whole or not at all: what lies there when this goes on is taken as it is.
      await writeFile(`${path}.part`, bytes)
      await rename(`${path}.part`, path)
    }
    blobs++
  }
  return { blobs, missing }
}

async function privateTo(folder: string, copy: VaultCopy, at: string | undefined): Promise<void> {
  const state = await copy.privateState(at)
  if (!state) return
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
  if (state.preferences) await writeFile(join(folder, 'preferences.json'), json(state.preferences))
  mkdirSync(join(folder, 'private'), { recursive: true })
  await writeFile(join(folder, PRIVATE_STATE_FILE), json(state))
}

/** Of the table that goes along: who was given which name and password, the newest line of each. */
interface Line {
  did: Did
  handle: string
  password: string
  isDone?: boolean
}

/**
 * Each into another host, as somebody whose host is gone comes back. Names under `--rename-from` get the
 * new host's first domain; passwords are made, and stand in the table that only its owner can read.
 */
async function intoHost(flags: Flags, { fetch, at, vault }: HostReach): Promise<RestoreOne> {
  const { table, plc: plcUrl, to } = requireFlags(flags, ['table', 'plc', 'to'])
  const destination = readOrigin('to', to)
  const words = flags['words-file']
  const secret = await readWords(typeof words === 'string' ? words : undefined)
  const plc = plcClient({ plcUrl: readOrigin('plc', plcUrl), fetch })
  const deps: RecoveryDeps = { fetch, plc, now: Date.now, random: randomBytes }
  const server = xrpcClient({ service: destination, fetch })
  const { availableUserDomains } = await server.get(ComAtprotoServerDescribeServer.mainSchema, {})
  const nameOf = renaming(flags['rename-from'], availableUserDomains[0])
  const lines = readTable(table)
  const write = (line: Line) => {
    lines.set(line.did, line)
    appendFileSync(table, `${JSON.stringify(line)}\n`, { mode: 0o600 })
  }
  return async ({ did: text, host, rev, newest }, copy) => {
    const did = text as Did
    if (!isPlcDid(did)) return { outcome: 'did-web' }
    const known = lines.get(did)
    if (known?.isDone) return { outcome: 'was-there' }
    const last = await plc.last(did)
    const state = last && plcState(last)
    const home = state?.services.atproto_pds?.endpoint
    // Who came back alone, or moved away, is not to be taken out of their new home.
    if (!known && home !== undefined && home !== host) return { outcome: 'elsewhere' }
    if (!known && home === destination && (await isAwake(server, did)))
      return { outcome: 'was-there' }
    const was = state?.alsoKnownAs.find((one) => one.startsWith('at://'))?.slice('at://'.length)
    const line = known ?? { did, handle: nameOf(was ?? ''), password: base32(randomBytes(15)) }
    // Before the account is made: a second try has to know its password.
    if (!known) write(line)
    const steps = recover(
      {
        ...{ did, secret, destination, password: line.password, handle: line.handle as Handle },
        keep: [recoveryKey(secret).publicKey.didKey],
        ...{ repo: () => copy.repo(at), blob: copy.blob },
        privateState: () => copy.privateState(at),
        copy: { kind: 'vault', source: vault, ...(at ? { time: at } : { rev, time: newest }) },
      },
      deps,
    )
    let next = await steps.next()
    while (!next.done) next = await steps.next()
    write({ ...line, isDone: true })
    const { records, blobs, missingBlobs } = next.value
    return { outcome: 'restored', records, blobs, missingBlobs: missingBlobs.length }
  }
}

async function isAwake(server: XrpcClient, did: Did): Promise<boolean> {
  const status = await server
    .get(ComAtprotoSyncGetRepoStatus.mainSchema, { did })
    .catch((error: unknown) => {
      if (error instanceof XrpcError && error.status < 500) return undefined
      throw error
    })
  return status?.active === true
}

const renaming =
  (from: Flags[string], to: string | undefined) =>
  (handle: string): string =>
    typeof from === 'string' && to !== undefined && handle.endsWith(from)
      ? `${handle.slice(0, -from.length)}${to}`
      : handle

function readTable(path: string): Map<Did, Line> {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []
  return new Map(
    lines.map((text) => {
      const line = JSON.parse(text) as Line
      return [line.did, line]
    }),
  )
}
