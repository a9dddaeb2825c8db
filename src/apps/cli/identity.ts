/** `falaj identity`: what an owner does with a key of their own, from the command line. */
import { randomBytes } from 'node:crypto'
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, guardedFetch } from '#platform/runtime'
import {
  planRecovery,
  type Recovery,
  type RecoveryDeps,
  type RecoveryPlan,
  type RecoveryProgress,
  type RecoveryReceipt,
  type RecoveryStep,
  recover,
} from '#protocol/account'
import {
  isPlcDid,
  plcClient,
  RECOVERY_SECRET_BYTES,
  RECOVERY_SHEET_WORDS,
  type ReadSheet,
  readRecoverySheet,
  recoveryKey,
  recoverySheet,
} from '#protocol/identity'
import { type Did, type Handle, isHandle } from '#protocol/syntax'
import type { Fetch } from '#protocol/xrpc'
import { openAccountArchive } from './archive.ts'
import { type Flags, readFlags, readOrigin, requireFlags } from './flags.ts'
import { ask, endProgress, showProgress, tell } from './terminal.ts'

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
  keep: 'value',
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
  '                       [--archive FILE.zip | --backup FILE.car --blobs FOLDER] [--email ADDRESS] [--invite CODE] [--password-file FILE]',
  '                       [--keep DID:KEY,DID:KEY] [--check] [--json]',
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
  const { close, ...files } = await copiesOf(flags)
  return withDirectory(needed.plc, async (deps) => {
    const secret = await readWords(flags)
    const keep = (text(flags.keep) ?? '').split(',').filter(Boolean)
    const plan = await planRecovery({ did, secret, keep }, deps)
    if (flags.check) return tell(flags, plan, describePlan(plan))
    if (!flags.json) process.stderr.write(describePlan(plan))
    const password = await readPassword(flags)
    const recovery: Recovery = {
      did,
      secret,
      destination,
      handle: needed.handle.toLowerCase() as Handle,
      password,
      keep,
      email: text(flags.email),
      inviteCode: text(flags.invite),
      ...files,
    }
    const receipt = await follow(recovery, deps)
    return tell(flags, receipt, describeReceipt(receipt, files))
  }).finally(() => close?.())
}

/** Whether a sheet is good for an account, and what it could do now. */
async function runCheck(flags: Flags): Promise<number> {
  const needed = requireFlags(flags, ['did', 'plc'])
  const did = readDid(needed.did)
  return withDirectory(needed.plc, async (deps) => {
    const plan = await planRecovery({ did, secret: await readWords(flags) }, deps)
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
  // The person at the keyboard names the hosts: machines of their own network are theirs to name.
  const network = guardedFetch({ allowPrivate: true })
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

type Copies = Pick<Recovery, 'repo' | 'blob' | 'preferences'> & { close?(): Promise<void> }

/** The copy to fill the account from, looked at before anything is done. */
async function copiesOf(flags: Flags): Promise<Copies> {
  const archive = text(flags.archive)
  const car = text(flags.backup)
  const folder = text(flags.blobs)
  if (car !== undefined && !existsSync(car)) throw new ConfigError([`--backup: no file ${car}`])
  if (folder !== undefined && !statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new ConfigError([`--blobs: no folder ${folder}`])
  if (archive !== undefined) {
    if (car === undefined && folder === undefined) return openAccountArchive(archive)
    throw new ConfigError(['--archive has records and files: --backup and --blobs go without it'])
  }
  return {
    ...(car !== undefined && { repo: () => createReadStream(car) as AsyncIterable<Uint8Array> }),
    ...(folder !== undefined && { blob: (cid: string) => blobOf(folder, cid) }),
  }
}

async function blobOf(folder: string, cid: string): Promise<Uint8Array | undefined> {
  if (!/^[a-z2-7]+$/.test(cid)) return undefined
  const path = join(folder, cid)
  return existsSync(path) ? new Uint8Array(await readFile(path)) : undefined
}

/** From a file, standard input (`-`) or the terminal. What was mistyped is told, and put right. */
async function readWords(flags: Flags): Promise<Uint8Array> {
  const file = text(flags['words-file'])
  const typed = file
    ? readFileSync(file === '-' ? 0 : file, 'utf8')
    : await ask(`The ${RECOVERY_SHEET_WORDS} words or numbers of the sheet`, { secret: true })
  const sheet = readRecoverySheet(typed)
  if (sheet.kind !== 'read') throw new ConfigError(whyUnread(sheet))
  for (const { place, read, meant } of sheet.mended)
    process.stderr.write(
      `word ${place} was read as “${read}”: it must be “${meant.word}” (${meant.code})\n`,
    )
  return sheet.secret
}

function whyUnread(sheet: Exclude<ReadSheet, { kind: 'read' }>): string[] {
  if (sheet.kind === 'count')
    return [`a sheet has ${RECOVERY_SHEET_WORDS} words, here are ${sheet.count}`]
  if (sheet.kind === 'foreign') return ['the words fit, but another kind of program wrote them']
  const unknown = sheet.unknown.map(({ place, read, like }) => {
    const hint = like.length > 0 ? `; perhaps ${like.join(', ')}` : ''
    return `word ${place}, “${read}”, is none of the list${hint}`
  })
  return ['too many words are wrong to say which: look at the sheet again', ...unknown]
}

async function readPassword(flags: Flags): Promise<string> {
  const file = text(flags['password-file'])
  if (file) return readFileSync(file === '-' ? 0 : file, 'utf8').replace(/\r?\n$/, '')
  const given = process.env.FALAJ_PASSWORD
  return given ?? (await ask('Password for the account at the new host', { secret: true }))
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

function describeReceipt(receipt: RecoveryReceipt, files: Pick<Recovery, 'repo'>): string {
  const { did, handle, to, records, blobs, missingBlobs, rotationKeys, operation } = receipt
  const lost = missingBlobs.length > 0 ? `, ${missingBlobs.length} were not in the copy` : ''
  return `${handle} lives at ${to} (${did})
  records   ${files.repo ? records : 'none: there was no copy'}
  blobs     ${blobs}${lost}
  keys      ${rotationKeys.join(' above ')}
  identity  ${operation}
`
}
