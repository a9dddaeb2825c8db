/** `falaj vault`: what is kept of accounts, and giving it back. */
import { randomBytes } from 'node:crypto'
import { createWriteStream, existsSync, mkdirSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ConfigError } from '#platform/runtime'
import {
  describeVault,
  followAccount,
  hostProof,
  keyProof,
  letVaultRead,
  listVaultAccounts,
  operatorProof,
  putVaultPrivate,
  type Restored,
  type RestoreStep,
  restore,
  signIn,
  takePrivateState,
  type VaultAccount,
  type VaultCopy,
  type VaultProof,
  vaultCopy,
} from '#protocol/account'
import { recoveryKey } from '#protocol/identity'
import { readRepo } from '#protocol/repo'
import { type Did, isDid, parseDatetime } from '#protocol/syntax'
import { type Fetch, xrpcClient } from '#protocol/xrpc'
import { chunksOf } from './chunks.ts'
import { type Flags, readFlags, readOrigin, requireFlags } from './flags.ts'
import { readSecretFile } from './operator.ts'
import { ownerNetwork } from './owner-network.ts'
import { describeParts } from './private.ts'
import { readWords } from './sheet.ts'
import { ask, endProgress, shown, showProgress, tell } from './terminal.ts'

const FLAGS = {
  vault: 'value',
  at: 'value',
  out: 'value',
  blobs: 'value',
  to: 'value',
  from: 'value',
  private: 'value',
  plc: 'value',
  table: 'value',
  'rename-from': 'value',
  'password-file': 'value',
  'words-file': 'value',
  yes: 'switch',
  json: 'switch',
} as const

const USAGE = [
  'falaj vault list --vault URL [--password-file FILE] [--json]',
  'falaj vault show DID --vault URL [--password-file FILE | --words-file FILE]',
  'falaj vault restore DID --vault URL --out FILE.car [--blobs FOLDER] [--private FILE.json] [--at TIME] [--password-file FILE | --words-file FILE]',
  'falaj vault let-read DID --vault URL --from HOST [--password-file FILE]',
  'falaj vault keep-private DID --vault URL --from HOST [--password-file FILE]',
  'falaj vault restore DID --vault URL --to HOST [--at TIME] [--password-file FILE] [--yes]',
  'falaj vault restore-host --vault URL [--from HOST] [--at TIME] --out FOLDER [--password-file FILE]',
  'falaj vault restore-host --vault URL [--from HOST] [--at TIME] --to HOST --plc URL --table FILE [--words-file FILE] [--rename-from .OLD.DOMAIN] [--password-file FILE]',
]

/** Runs one verb, which comes first. */
export async function runVault(args: readonly string[]): Promise<number> {
  const { flags, words } = readFlags(args, FLAGS)
  const [verb, did, ...more] = words
  const vault = readOrigin('vault', requireFlags(flags, ['vault']).vault)
  const network = ownerNetwork()
  const fetch = network.fetch as Fetch
  try {
    if (verb === 'list' && did === undefined) return await list(flags, { vault, fetch })
    if (verb === 'restore-host' && did === undefined) {
      const { restoreHost } = await import('./vault-host.ts')
      const reach = { vault, fetch, proof: await operator(flags), at: timeOf(flags) }
      return await restoreHost(flags, reach)
    }
    if (did === undefined || more.length > 0 || !isDid(did)) throw new ConfigError(USAGE)
    const reach = { vault, fetch, did }
    if (verb === 'show') {
      const account = await vaultCopy({ ...reach, proof: await proofOf(flags, did) }).account()
      return tell(flags, account, describe(account))
    }
    if (verb === 'let-read') return await letRead(flags, reach)
    if (verb === 'keep-private') return await keepPrivate(flags, reach)
    if (verb !== 'restore') throw new ConfigError(USAGE)
    return flags.to === undefined ? await toFile(flags, reach) : await toHost(flags, reach)
  } finally {
    await network.close()
  }
}

interface Reach {
  vault: string
  fetch: Fetch
  did: Did
}

async function list(flags: Flags, { vault, fetch }: Omit<Reach, 'did'>): Promise<number> {
  const authorization = await (await operator(flags))('', '')
  const client = xrpcClient({ service: vault, fetch, headers: { authorization } })
  const accounts: VaultAccount[] = []
  let cursor: string | undefined
  do {
    const page = await client.get(listVaultAccounts, { limit: 500, ...(cursor && { cursor }) })
    accounts.push(...page.accounts)
    cursor = page.cursor
  } while (cursor !== undefined)
  return tell(flags, { accounts }, accounts.map(lineOf).join('') || 'Nothing is kept.\n')
}

/** The operator of the vault, by password; or the owner, by the words of the sheet. */
async function proofOf(flags: Flags, did: Did): Promise<VaultProof> {
  if (typeof flags['words-file'] !== 'string') return operator(flags)
  const key = recoveryKey(await readWords(flags['words-file']))
  return keyProof({ did, key, now: Date.now, random: randomBytes })
}

async function operator(flags: Flags): Promise<VaultProof> {
  const file = flags['password-file']
  const known = process.env.FALAJ_ADMIN_PASSWORD
  if (typeof file === 'string') return operatorProof(readSecretFile('password-file', file))
  return operatorProof(known ?? (await ask('Password of the vault', { secret: true })))
}

/** A repository as a file, checked here once more, and its blobs as files beside it. */
async function toFile(flags: Flags, reach: Reach): Promise<number> {
  const { out } = requireFlags(flags, ['out'])
  const at = timeOf(flags)
  const copy = vaultCopy({ ...reach, proof: await proofOf(flags, reach.did) })
  const part = `${out}.part`
  await pipeline(copy.repo(at), createWriteStream(part))
  const { head, records } = await readRepo(chunksOf(part), { did: reach.did })
  let count = 0
  for await (const some of records) count += some.length
  await rename(part, out)
  const folder = flags.blobs
  const blobs = typeof folder === 'string' ? await blobsTo(folder, copy) : 0
  const beside = typeof flags.private === 'string' ? await copy.privateState(at) : undefined
  if (beside) await writeFile(flags.private as string, `${JSON.stringify(beside, null, 2)}\n`)
  const { rev } = head
  const text = `${out}: ${count} records at ${rev}${typeof folder === 'string' ? `, ${blobs} blobs in ${folder}` : ''}\n`
  return tell(flags, { did: reach.did, rev, records: count, blobs }, text)
}

/** Lets the vault read what only the owner can, at a host of ours, and has it keep the account. */
async function letRead(flags: Flags, reach: Reach): Promise<number> {
  const host = readOrigin('from', requireFlags(flags, ['from']).from)
  const { fetch, did, vault } = reach
  const { client } = await signIn({ service: host, fetch }, did, await passwordOf(flags))
  const service = xrpcClient({ service: vault, fetch })
  const { did: vaultDid } = await service.get(describeVault, {})
  const authorization = await hostProof(client)(followAccount.nsid, vaultDid)
  await service.post(followAccount, {}, {}, { headers: { authorization } })
  const granted = await client.post(letVaultRead, { vault })
  return tell(flags, granted, `${shown(vault)} keeps ${did}, and reads what only you can\n`)
}

/** Brings what only the owner can read from a host that gives it to nobody else. */
async function keepPrivate(flags: Flags, reach: Reach): Promise<number> {
  const host = readOrigin('from', requireFlags(flags, ['from']).from)
  const { fetch, did, vault } = reach
  const { client } = await signIn({ service: host, fetch }, did, await passwordOf(flags))
  const state = await takePrivateState({ client, did, host }, Date.now)
  const service = xrpcClient({ service: vault, fetch })
  const { did: vaultDid } = await service.get(describeVault, {})
  const authorization = await hostProof(client)(putVaultPrivate.nsid, vaultDid)
  const answer = await service.post(putVaultPrivate, state, {}, { headers: { authorization } })
  const silent = ['preferences', 'appPasswords', 'appview'].filter((one) => !(one in state))
  const text = `${answer.changed ? 'Kept' : 'Nothing has changed since the last time'}${silent.length === 0 ? '' : `; the host does not say: ${silent.join(', ')}`}\n`
  return tell(flags, { ...answer, silent }, text)
}

async function passwordOf(flags: Flags): Promise<string> {
  const file = flags['password-file']
  if (typeof file === 'string') return readSecretFile('password-file', file)
  return process.env.FALAJ_PASSWORD ?? (await ask('Password of the account', { secret: true }))
}

async function blobsTo(folder: string, copy: VaultCopy): Promise<number> {
  mkdirSync(folder, { recursive: true })
  let count = 0
  for await (const cid of copy.blobs()) {
    if (!/^[a-z2-7]+$/.test(cid)) continue
    const path = join(folder, cid)
    count++
    if (existsSync(path)) continue
    const bytes = await copy.blob(cid)
    if (bytes === undefined) count--
    else await writeFile(path, bytes)
  }
  return count
}

const LABELS: Readonly<Record<RestoreStep, string>> = {
  rest: 'putting the account to rest',
  repo: 'bringing the records back',
  blobs: 'bringing pictures and files back',
  wake: 'waking the account',
  private: 'bringing back what only its owner can read',
}

/** Sets an account at its host back. Its owner signs in; what was written since is gone then. */
async function toHost(flags: Flags, reach: Reach): Promise<number> {
  const service = readOrigin('to', requireFlags(flags, ['to']).to)
  const at = timeOf(flags)
  if (!flags.yes) {
    const question = `What ${reach.did} wrote after ${at ?? 'the newest state of the vault'} will be gone. Type yes`
    if ((await ask(question)) !== 'yes') throw new ConfigError(['nothing was done'])
  }
  const { fetch, did } = reach
  const { client } = await signIn({ service, fetch }, did, await passwordOf(flags))
  const steps = restore({ client, did }, vaultCopy({ ...reach, proof: hostProof(client) }), at)
  for (;;) {
    const next = await steps.next()
    if (next.done) {
      endProgress()
      return tell(flags, next.value, describeRestored(next.value))
    }
    const { step, done, total } = next.value
    showProgress(LABELS[step], done && total ? { done, total } : undefined)
  }
}

function timeOf({ at }: Flags): string | undefined {
  if (typeof at !== 'string') return undefined
  try {
    return parseDatetime(at)
  } catch {
    throw new ConfigError([`--at must be a time such as 2026-11-29T08:00:00Z, not ${at}`])
  }
}

function describe(account: VaultAccount): string {
  const { did, host, state, status, rev, instants, oldest, newest } = account
  const { blobs, blobsWanted, blobsMissing, keptBytes, granted } = account
  return `${did}
  host       ${shown(host)}${status === undefined ? '' : ` (${shown(status)})`}
  state      ${state}${granted ? ', its owner asked for it' : ''}
  at         ${rev ?? 'nothing yet'}
  states     ${instants}${oldest === undefined ? '' : `, from ${oldest} to ${newest}`}
  private    ${describePrivate(account)}
  blobs      ${blobs}, ${blobsWanted} on their way, ${blobsMissing} that the host does not have
  kept       ${(keptBytes / 1e6).toFixed(1)} MB
`
}

function describePrivate({ privateStates = 0, privateNewest, privateProblem }: VaultAccount) {
  const states =
    privateStates === 0 ? 'nothing' : `${privateStates} states, newest of ${privateNewest}`
  return privateProblem === undefined ? states : `${states}; ${shown(privateProblem)}`
}

function lineOf({ did, state, host, instants, blobs, keptBytes }: VaultAccount): string {
  const size = `${(keptBytes / 1e6).toFixed(1)} MB`
  return `${did}  ${state.padEnd(7)} ${String(instants).padStart(7)} states ${String(blobs).padStart(6)} blobs ${size.padStart(10)}  ${shown(host)}\n`
}

function describeRestored(restored: Restored): string {
  const { did, at, records, blobs, missingBlobs, privateParts, rev } = restored
  const lost = missingBlobs.length > 0 ? `, ${missingBlobs.length} are not in the vault` : ''
  return `${did} is as it was ${at === undefined ? 'last' : `at ${at}`}
  records   ${records}
  blobs     ${blobs}${lost}
  newest    ${rev}
${describeParts(privateParts)}`
}
