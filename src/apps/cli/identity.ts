/** `falaj identity`: what an owner does with a key of their own, from the command line. */
import { randomBytes } from 'node:crypto'
import { createReadStream, existsSync, statSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '#platform/runtime'
import {
  keyProof,
  mirrorCopy,
  planRecovery,
  type Recovery,
  type RecoveryDeps,
  type RecoveryPlan,
  type RecoveryProgress,
  type RecoveryReceipt,
  type RecoveryStep,
  type RescueCopy,
  recover,
  vaultCopy,
} from '#protocol/account'
import {
  isPlcDid,
  plcClient,
  RECOVERY_SECRET_BYTES,
  recoveryKey,
  recoverySheet,
} from '#protocol/identity'
import { type Did, type Handle, isHandle } from '#protocol/syntax'
import type { Fetch } from '#protocol/xrpc'
import { openAccountArchive } from './archive.ts'
import { type Flags, readFlags, readOrigin, requireFlags } from './flags.ts'
import { ownerNetwork } from './owner-network.ts'
import { readPassword } from './password.ts'
import { describeParts } from './private.ts'
import { readWords } from './sheet.ts'
import { endProgress, shown, showProgress, tell } from './terminal.ts'

const FLAGS = {
  did: 'value',
  plc: 'value',
  'words-file': 'value',
  to: 'value',
  handle: 'value',
  email: 'value',
  invite: 'value',
  'password-file': 'value',
  backup: 'value',
  blobs: 'value',
  archive: 'value',
  vault: 'value',
  mirror: 'value',
  at: 'value',
  keep: 'value',
  receipt: 'value',
  check: 'switch',
  json: 'switch',
} as const

const VERBS: Readonly<Record<string, (flags: Flags) => Promise<number>>> = {
  recover: runRecover,
  check: runCheck,
  'make-key': makeKey,
}

const USAGE = [
  'falaj identity recover --did DID --plc URL --to URL --handle NAME [--words-file FILE]',
  '                       [--archive FILE.zip | --backup FILE.car --blobs FOLDER | --vault URL [--at TIME] | --mirror URL,URL]',
  '                       [--email ADDRESS] [--invite CODE] [--password-file FILE]',
  '                       [--keep DID:KEY,DID:KEY] [--receipt FILE.json] [--check] [--json]',
  'falaj identity check   --did DID --plc URL [--words-file FILE] [--json]',
  'falaj identity make-key [--json]',
]

const LABELS: Readonly<Record<RecoveryStep, string>> = {
  look: 'looking at what the key can do',
  take: 'taking the identity into your hands',
  account: 'making the account at the new host',
  repo: 'bringing the records back',
  blobs: 'bringing pictures and files back',
  turn: 'turning the identity to the new host',
  activate: 'opening the account',
  private: 'bringing back what only you could read',
}

/** Runs one verb, which comes first. */
export async function runIdentity(args: readonly string[]): Promise<number> {
  const { flags, words } = readFlags(args, FLAGS)
  const verb = words.length === 1 && Object.hasOwn(VERBS, words[0]!) ? VERBS[words[0]!] : undefined
  if (!verb) throw new ConfigError(USAGE)
  return verb(flags)
}

const text = (flag: Flags[string]) => (typeof flag === 'string' ? flag : undefined)

/** Brings an account back at another host by its owner's own key. Interrupted, it goes on when run again. */
async function runRecover(flags: Flags): Promise<number> {
  const needed = requireFlags(flags, ['did', 'plc', 'to', 'handle'])
  const did = readDid(needed.did)
  const destination = readOrigin('to', needed.to)
  if (!isHandle(needed.handle)) throw new ConfigError(['--handle must be a name like a.example'])
  const { close, ...given } = await copiesOf(flags)
  return withDirectory(needed.plc, async (deps) => {
    const secret = await readWords(text(flags['words-file']))
    const { state, ...files } = { ...given, ...(await elsewhere(flags, { did, secret, deps })) }
    const keep = (text(flags.keep) ?? '').split(',').filter(Boolean)
    const plan = await planRecovery({ did, secret, keep }, deps)
    if (flags.check) return tell(flags, plan, describePlan(plan))
    if (!flags.json) process.stderr.write(describePlan(plan))
    const password = await readPassword(flags, 'Password for the account at the new host')
    const recovery: Recovery = {
      did,
      secret,
      destination,
      handle: needed.handle.toLowerCase() as Handle,
      password,
      keep,
      email: text(flags.email),
      inviteCode: text(flags.invite),
      copy: state ?? ownCopy(flags),
      ...files,
    }
    const receipt = await follow(recovery, deps)
    const out = text(flags.receipt)
    if (out !== undefined && receipt.signed)
      await writeFile(out, `${JSON.stringify(receipt.signed, null, 2)}\n`)
    return tell(flags, { ...receipt, copy: state }, describeReceipt(receipt, files, state))
  }).finally(() => close?.())
}

/** Whether a sheet is good for an account, and what it could do now. */
async function runCheck(flags: Flags): Promise<number> {
  const needed = requireFlags(flags, ['did', 'plc'])
  const did = readDid(needed.did)
  return withDirectory(needed.plc, async (deps) => {
    const plan = await planRecovery(
      { did, secret: await readWords(text(flags['words-file'])) },
      deps,
    )
    return tell(flags, plan, describePlan(plan))
  })
}

/** A new key, such as an organisation's for its accounts: shown once, kept nowhere. */
async function makeKey(flags: Flags): Promise<number> {
  const secret = randomBytes(RECOVERY_SECRET_BYTES)
  const key = recoveryKey(secret).publicKey.didKey
  const words = recoverySheet(secret)
  const lines = words.map(
    ({ word, code }, at) => `  ${String(at + 1).padStart(2)}  ${word.padEnd(10)} ${code}\n`,
  )
  return tell(
    flags,
    { key, words: words.map(({ word }) => word) },
    `${key}\n\n${lines.join('')}\nWrite the words on paper, twice. They are shown only now; who has them has every name they are put above.\n`,
  )
}

async function withDirectory(plc: string, work: (deps: RecoveryDeps) => Promise<number>) {
  const network = ownerNetwork()
  const fetch = network.fetch as Fetch
  const directory = plcClient({ plcUrl: readOrigin('plc', plc), fetch })
  try {
    return await work({ fetch, plc: directory, now: Date.now, random: randomBytes })
  } finally {
    await network.close()
  }
}

function readDid(given: string): Did {
  if (isPlcDid(given)) return given
  throw new ConfigError(['--did must be a did:plc: other identities have no keys of this kind'])
}

type Copies = Pick<Recovery, 'repo' | 'blob' | 'preferences' | 'privateState'> & {
  close?(): Promise<void>
}

/** The copy to fill the account from, looked at before anything is done. */
async function copiesOf(flags: Flags): Promise<Copies> {
  const archive = text(flags.archive)
  const car = text(flags.backup)
  const folder = text(flags.blobs)
  if (car !== undefined && !existsSync(car)) throw new ConfigError([`--backup: no file ${car}`])
  if (folder !== undefined && !statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new ConfigError([`--blobs: no folder ${folder}`])
  const others = [archive, flags.vault, flags.mirror].filter((one) => one !== undefined)
  if (others.length > 1 || (flags.vault ?? flags.mirror) !== undefined) {
    if (others.length === 1 && car === undefined && folder === undefined) return {}
    throw new ConfigError(['one copy: --archive, --backup, --vault or --mirror'])
  }
  if (archive !== undefined) {
    if (car === undefined && folder === undefined) return openAccountArchive(archive)
    throw new ConfigError(['--archive has records and files: --backup and --blobs go without it'])
  }
  return {
    ...(car !== undefined && { repo: () => createReadStream(car) as AsyncIterable<Uint8Array> }),
    ...(folder !== undefined && { blob: (cid: string) => blobOf(folder, cid) }),
  }
}

/** A copy that the owner had on their own disk: how far it goes only they know. */
function ownCopy(flags: Flags): RescueCopy | undefined {
  if (flags.archive !== undefined) return { kind: 'archive' }
  return flags.backup === undefined ? undefined : { kind: 'file' }
}

/** How far a copy goes: what was written after it, nobody proves. */
interface CopyState {
  kind: 'vault' | 'mirror'
  source: string
  rev?: string | undefined
  /** When its host acknowledged it. */
  time?: string | undefined
}

/**
 * A copy at a vault, opened by the words themselves, or at whoever mirrors repositories: a relay that
 * keeps them, another host. Nothing is believed: the new host checks every block and signature.
 */
async function elsewhere(
  flags: Flags,
  { did, secret, deps }: { did: Did; secret: Uint8Array; deps: RecoveryDeps },
): Promise<Copies & { state?: CopyState }> {
  const [vault, mirror] = [text(flags.vault), text(flags.mirror)]
  const { fetch, now, random } = deps
  if (vault !== undefined) {
    const proof = keyProof({ did, key: recoveryKey(secret), now, random })
    const copy = vaultCopy({ vault: readOrigin('vault', vault), did, proof, fetch })
    // Before anything is done: whether there is a copy.
    const { rev, newest } = await copy.account()
    const at = text(flags.at)
    const state = at === undefined ? { rev, time: newest } : { time: at }
    return {
      ...{
        repo: () => copy.repo(at),
        blob: copy.blob,
        state: { kind: 'vault', source: vault, ...state },
      },
      privateState: () => copy.privateState(at),
    }
  }
  if (mirror === undefined) return {}
  const mirrors = mirror.split(',').map((one) => readOrigin('mirror', one.trim()))
  const copy = await mirrorCopy({ mirrors, did, fetch })
  for (const { source, why } of copy.refused)
    process.stderr.write(`${shown(source)} has no copy: ${shown(why)}\n`)
  const { source, rev } = copy
  return { state: { kind: 'mirror', source, rev }, repo: copy.repo, blob: copy.blob }
}

async function blobOf(folder: string, cid: string): Promise<Uint8Array | undefined> {
  if (!/^[a-z2-7]+$/.test(cid)) return undefined
  const path = join(folder, cid)
  return existsSync(path) ? new Uint8Array(await readFile(path)) : undefined
}

async function follow(recovery: Recovery, deps: RecoveryDeps): Promise<RecoveryReceipt> {
  const steps: AsyncGenerator<RecoveryProgress, RecoveryReceipt> = recover(recovery, deps)
  for (;;) {
    const next = await steps.next()
    if (next.done) {
      endProgress()
      return next.value
    }
    const { step, done, total } = next.value
    const count = done === undefined || total === undefined ? undefined : { done, total }
    showProgress(LABELS[step], count)
  }
}

function describePlan({ did, handle, from, key, dropped, above, undone, untilMs }: RecoveryPlan) {
  const until = untilMs === undefined ? '' : `, possible until ${new Date(untilMs).toISOString()}`
  return `${handle ?? 'no name'} (${did})
  host         ${from ?? 'none'}
  your key     ${key}
  loses power  ${dropped.join(', ') || 'no other key'}
  above yours  ${above.length === 0 ? 'no key: nobody can undo it' : `${above.join(', ')}: can undo it for 72 hours`}
  takes back   ${undone.length === 0 ? 'nothing' : `${undone.length} changes since ${undone[0]!.createdAt}${until}`}
`
}

function describeReceipt(
  receipt: RecoveryReceipt,
  files: Pick<Recovery, 'repo'>,
  state: CopyState | undefined,
): string {
  const { did, handle, to, records, blobs, missingBlobs, rotationKeys, operation } = receipt
  const lost = missingBlobs.length > 0 ? `, ${missingBlobs.length} were not in the copy` : ''
  return `${handle} lives at ${to} (${did})
  records   ${files.repo ? records : 'none: there was no copy'}
  blobs     ${blobs}${lost}
  keys      ${rotationKeys.join(' above ')}
  identity  ${operation}
  receipt   ${receipt.signed ? `signed by ${to}, shown at ${to}/account/rescue` : `none: ${to} signs none`}
${describeParts(receipt.privateParts)}${state === undefined ? '' : unproven(state, receipt)}`
}

/** The signature proves what was there; that nothing came after it, nobody can. */
function unproven({ source, rev, time }: CopyState, { privateParts }: RecoveryReceipt): string {
  const of = [rev && `rev ${shown(rev)}`, time && `of ${shown(time)}`].filter(Boolean).join(', ')
  return `  copy      ${source}: ${of}, signed by the account
  unproven  that nothing was written after that${privateParts.length === 0 ? '; preferences were not in the copy' : ''}
`
}
