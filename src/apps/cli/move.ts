/** `falaj move`: an account changes host, from the command line. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { ConfigError } from '#platform/runtime'
import {
  bringLateWrites,
  type MoveReceipt,
  type MoveState,
  type MoveWarning,
  move,
  type Preflight,
  planMove,
  preflight,
  signIn,
} from '#protocol/account'
import { networkDirectory, type PlcCredentials, plcClient } from '#protocol/identity'
import type { Fetch } from '#protocol/xrpc'
import { type Flags, readFlags, readOrigin, requireFlags } from './flags.ts'
import { moveByJob, readVerb, runMoveVerb } from './move-job.ts'
import { ownerNetwork } from './owner-network.ts'
import { readPassword } from './password.ts'
import { describeParts } from './private.ts'
import { ask, endProgress, showProgress, tell } from './terminal.ts'

const FLAGS = {
  from: 'value',
  to: 'value',
  plc: 'value',
  handle: 'value',
  email: 'value',
  invite: 'value',
  'password-file': 'value',
  state: 'value',
  check: 'switch',
  json: 'switch',
} as const

const LABELS: Readonly<Record<string, string>> = {
  account: 'making the account at the new host',
  repo: 'copying the records',
  blobs: 'copying pictures and files',
  preferences: 'copying preferences',
  sign: 'signing the change of identity',
  switch: 'switching',
  activate: 'opening the account at the new host',
  leave: 'closing the account at the old host',
  verify: 'checking that everything arrived',
  done: 'done',
}

const label = (step: string) => LABELS[step] ?? step

/**
 * Moves an account; with --check only tells what would change. Where the new host is one of ours it
 * does the work itself, and this only watches; with --state FILE, or elsewhere, the work is done
 * here, and goes on when run again. With a verb: watches a move or decides about it.
 */
export async function runMove(args: readonly string[]): Promise<number> {
  if (args[0] === 'fleet') return (await import('./fleet/fleet.ts')).runFleet(args.slice(1))
  const verb = readVerb(args[0])
  if (verb) {
    const describe = describeReceipt
    return runMoveVerb(verb, args.slice(1), { label, readPassword, describe })
  }
  const { flags } = readFlags(args, FLAGS)
  const { from, to, plc, handle } = requireFlags(flags, ['from', 'to', 'plc', 'handle'])
  const [source, destination] = [readOrigin('from', from), readOrigin('to', to)]
  const network = ownerNetwork()
  const fetch = network.fetch as Fetch
  const directory = plcClient({ plcUrl: readOrigin('plc', plc), fetch })
  try {
    const password = await readPassword(flags)
    const file = String(flags.state ?? `falaj-move-${handle}.json`)
    const session = await signIn({ service: source, fetch }, handle, password, {
      askFactor: () => ask('Code of your second factor, or from the letter that was just sent'),
    })
    const question = { source: session, destination, plc: directory, fetch }
    const found = await preflight({ ...question, canChangeDocument: true })
    if (flags.check) return tell(flags, found, describePreflight(found))
    const isHere = flags.state !== undefined || existsSync(file)
    if (!isHere) {
      const receipt = await moveByJob({
        fetch,
        source: session,
        destination,
        password,
        email: text(flags.email),
        inviteCode: text(flags.invite),
        label,
      })
      if (receipt) return tell(flags, receipt, describeReceipt(receipt))
    }
    const state = resume(file, destination) ?? planMove(session, found, Date.now())
    state.source = session.state
    const deps = {
      fetch,
      plc: directory,
      now: Date.now,
      save: (kept: MoveState) => keep(file, kept),
      password,
      email: text(flags.email),
      inviteCode: text(flags.invite),
      askCode: () => ask('Code from the letter that was just sent'),
      document: documentOf(fetch, plc),
      askDocument,
      sweep: bringLateWrites,
      streamUploads: true,
    }
    const receipt = await follow(state, deps)
    rmSync(file, { force: true })
    return tell(flags, receipt, describeReceipt(receipt))
  } finally {
    await network.close()
  }
}

/** Documents of domains, from the domains themselves. */
function documentOf(fetch: Fetch, plcUrl: string) {
  return networkDirectory({ fetch, plcUrl, resolveTxt: async () => [], allowHttp: true }).document
}

/** Tells what to write into the document of one's own domain, and waits. */
async function askDocument(wanted: PlcCredentials): Promise<void> {
  const { alsoKnownAs = [], verificationMethods, services } = wanted
  const key = verificationMethods?.atproto?.replace(/^did:key:/, '')
  process.stderr.write(`
The identity is a domain of yours: change its /.well-known/did.json now, and leave the rest as it is.
  alsoKnownAs         first: ${alsoKnownAs[0]}
  verificationMethod  #atproto, of type Multikey: publicKeyMultibase ${key}
  service             #atproto_pds: serviceEndpoint ${services?.atproto_pds?.endpoint}
`)
  await ask('Press Enter when the document says so')
}

const text = (flag: Flags[string]) => (typeof flag === 'string' ? flag : undefined)

async function follow(state: MoveState, deps: Parameters<typeof move>[1]): Promise<MoveReceipt> {
  const steps = move(state, deps)
  for (;;) {
    const next = await steps.next()
    if (next.done) {
      endProgress()
      return next.value
    }
    const { step, done, total } = next.value
    const count = done === undefined || total === undefined ? undefined : { done, total }
    showProgress(label(step), count)
  }
}

/** A move that was interrupted; one to another host is not taken up silently. */
function resume(file: string, destination: string): MoveState | undefined {
  if (!existsSync(file)) return undefined
  const state = JSON.parse(readFileSync(file, 'utf8')) as MoveState
  if (state.version === 1 && state.destination === destination) return state
  throw new ConfigError([`${file} is of a move to ${state.destination}: delete it to begin anew`])
}

/** Holds tokens: only for the owner's eyes, and never half written. */
function keep(file: string, state: MoveState): void {
  const draft = `${file}.new`
  writeFileSync(draft, JSON.stringify(state), { mode: 0o600 })
  renameSync(draft, file)
}

function describePreflight(found: Preflight): string {
  const { handle, from, to, records, blobs, otherServices, ownRotationKeys, obstacles } = found
  return `${handle} (${found.did})
  from     ${from}
  to       ${to}
  copies   ${records} records, ${blobs} blobs, preferences
  keeps    handle, followers${otherServices.map((id) => `, #${id}`).join('')}, ${ownRotationKeys} rotation keys of your own
  leaves   sessions and app passwords: sign in again afterwards
  ${obstacles.length === 0 ? 'nothing is in the way' : `in the way: ${obstacles.join(', ')}`}
`
}

function describeReceipt(receipt: MoveReceipt): string {
  const { handle, from, to, records, blobs, missingBlobs, privateParts, sameRoot } = receipt
  const { bytes, late, sameBlobs, sightings, warnings } = receipt
  const seconds = ((receipt.finishedMs - receipt.startedMs) / 1000).toFixed(1)
  const lost = missingBlobs.length > 0 ? `, ${missingBlobs.length} the old host did not have` : ''
  const size = bytes === undefined ? '' : `, ${(bytes / 1e6).toFixed(1)} MB fetched`
  const conflicts =
    late && late.conflictCount > 0
      ? `, ${late.conflictCount} changed at both: what is here stays`
      : ''
  const more = [
    late && `  late         ${late.records} written at the last moment, and brought${conflicts}`,
    ...sightings.map(
      ({ url, seen, ms }) =>
        `  ${seen ? `seen         by ${url} after ${(ms / 1000).toFixed(1)} s` : `not seen yet by ${url}`}`,
    ),
    ...warnings.map((one) => `  warning      ${WARNINGS[one]}`),
  ].filter(Boolean)
  return `${handle} moved from ${from} to ${to} in ${seconds} s
  records      ${records}, ${sameRoot ? 'the same tree' : 'NOT the same tree'} ${receipt.destinationHead.data}
  blobs        ${blobs}${sameBlobs ? ', all that the old host lists' : ''}${lost}${size}
${describeParts(privateParts)}  identity     ${receipt.operation ?? 'its document names the new host'}
${more.map((line) => `${line}\n`).join('')}`
}

const WARNINGS: Readonly<Record<MoveWarning, string>> = {
  'source-silent':
    'the old host did not answer after the switch, and may believe that the account is there',
  'source-refused':
    'the session at the old host had ended: sign in there, and deactivate the account',
  'late-writes-left': 'what was written there at the last moment could not be brought',
  'not-seen-yet': 'not every relay and app view has seen the account here yet',
  'blobs-not-compared':
    'there are too many blobs to compare both lists; each was checked by its hash',
}
