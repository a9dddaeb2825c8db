/** One account: made, taken down, let out, changed, deleted. */
import { randomBytes } from 'node:crypto'
import {
  ComAtprotoAdminDeleteAccount,
  ComAtprotoAdminGetAccountInfo,
  ComAtprotoAdminGetSubjectStatus,
  ComAtprotoAdminUpdateAccountEmail,
  ComAtprotoAdminUpdateAccountHandle,
  ComAtprotoAdminUpdateAccountPassword,
  ComAtprotoAdminUpdateSubjectStatus,
  ComAtprotoServerCreateAccount,
  ComAtprotoServerCreateInviteCode,
  ComAtprotoServerDescribeServer,
  ComAtprotoTempRevokeAccountCredentials,
} from '@atcute/atproto'
import { ConfigError } from '#platform/runtime'
import { listSuspensions } from '#protocol/account'
import { base32 } from '#protocol/crypto'
import type { AtUri, Did, Handle } from '#protocol/syntax'
import type { Flags } from '../flags.ts'
import { type OperatedHost, readSecretFile } from '../operator.ts'
import { ask, shown, tell } from '../terminal.ts'
import { type Call, didOf, textFlag, type Verb } from './verb.ts'

const NEW_PASSWORD = { 'new-password-file': 'value' } as const

/** Twenty letters and digits from 100 random bits, when the operator brings none. */
function newPassword(flags: Flags): { password: string; isMade: boolean } {
  const file = textFlag(flags, 'new-password-file')
  if (file !== undefined) {
    return { password: readSecretFile('new-password-file', file), isMade: false }
  }
  return { password: base32(randomBytes(13)).slice(0, 20), isMade: true }
}

async function create({ host, flags, words: [handle] }: Call): Promise<number> {
  const email = textFlag(flags, 'email')
  if (!email) throw new ConfigError(['--email is needed'])
  const { password, isMade } = newPassword(flags)
  const inviteCode = textFlag(flags, 'invite') ?? (await inviteIfNeeded(host))
  const made = await host.open.post(ComAtprotoServerCreateAccount.mainSchema, {
    handle: handle as Handle,
    email,
    password,
    ...(inviteCode && { inviteCode }),
  })
  const { did } = made
  const value = { did, handle: made.handle, email, ...(isMade && { password }) }
  const secret = isMade ? `password  ${password}\n` : ''
  return tell(flags, value, `did       ${did}\nhandle    ${made.handle}\n${secret}`)
}

async function inviteIfNeeded(host: OperatedHost): Promise<string | undefined> {
  const { inviteCodeRequired } = await host.open.get(ComAtprotoServerDescribeServer.mainSchema, {})
  if (!inviteCodeRequired) return undefined
  const operator = await host.operator()
  const { code } = await operator.post(ComAtprotoServerCreateInviteCode.mainSchema, { useCount: 1 })
  return code
}

async function info({ host, flags, words: [name] }: Call): Promise<number> {
  const did = await didOf(host, name!)
  const operator = await host.operator()
  const [account, { takedown }, paused] = await Promise.all([
    operator.get(ComAtprotoAdminGetAccountInfo.mainSchema, { did }),
    operator.get(ComAtprotoAdminGetSubjectStatus.mainSchema, { did }),
    operator.get(listSuspensions, { did, limit: 1 }),
  ])
  const [suspension] = paused.suspensions
  const standing = takedown?.applied
    ? `taken down${because(takedown.ref)}`
    : suspension
      ? `suspended${suspension.until ? ` until ${suspension.until}` : ''}${because(suspension.ref)}`
      : account.deactivatedAt
        ? `deactivated since ${account.deactivatedAt}`
        : 'active'
  const lines: [string, string | undefined][] = [
    ['did', account.did],
    ['handle', account.handle],
    [
      'email',
      account.email && `${account.email}${account.emailConfirmedAt ? '' : ', not confirmed'}`,
    ],
    ['standing', standing],
    ['since', account.indexedAt],
    ['invited by', account.invitedBy?.code],
    ['invites', account.invites?.map(({ code }) => code).join(' ')],
    ['invites stopped', account.invitesDisabled ? (account.inviteNote ?? 'yes') : undefined],
  ]
  const text = lines.flatMap(([label, value]) =>
    value ? [`${label.padEnd(16)}${shown(value)}\n`] : [],
  )
  return tell(flags, { ...account, takedown, suspension }, text.join(''))
}

const because = (ref: string | undefined) => (ref ? ` (${ref})` : '')

type Subject =
  | { $type: 'com.atproto.admin.defs#repoRef'; did: Did }
  | { $type: 'com.atproto.admin.defs#repoBlobRef'; did: Did; cid: string }
  | { $type: 'com.atproto.repo.strongRef'; uri: AtUri; cid: string }

/** An account, a record by its URI, or with --blob a picture or file of an account. */
async function subjectOf({ host, flags, words: [name] }: Call): Promise<Subject> {
  if (name!.startsWith('at://')) {
    const operator = await host.operator()
    const uri = name as AtUri
    const { subject } = await operator.get(ComAtprotoAdminGetSubjectStatus.mainSchema, {
      uri: uri as never,
    })
    return subject as Subject
  }
  const did = await didOf(host, name!)
  const cid = textFlag(flags, 'blob')
  if (cid === undefined) return { $type: 'com.atproto.admin.defs#repoRef', did }
  return { $type: 'com.atproto.admin.defs#repoBlobRef', did, cid }
}

const setTakedown =
  (applied: boolean) =>
  async (call: Call): Promise<number> => {
    const subject = await subjectOf(call)
    const ref = textFlag(call.flags, 'ref')
    const operator = await call.host.operator()
    const done = await operator.post(ComAtprotoAdminUpdateSubjectStatus.mainSchema, {
      subject: subject as never,
      takedown: { applied, ...(ref && { ref }) },
    })
    return tell(call.flags, done, `${call.words[0]} ${applied ? 'is taken down' : 'is back'}\n`)
  }

async function resetPassword({ host, flags, words: [name] }: Call): Promise<number> {
  const did = await didOf(host, name!)
  const { password, isMade } = newPassword(flags)
  const operator = await host.operator()
  await operator.post(ComAtprotoAdminUpdateAccountPassword.mainSchema, { did, password })
  const secret = isMade ? `password  ${password}\n` : ''
  const words = `${name} has a new password; every session of it ended\n${secret}`
  return tell(flags, { did, ...(isMade && { password }) }, words)
}

async function revokeCredentials({ host, flags, words: [name] }: Call): Promise<number> {
  const account = await didOf(host, name!)
  const operator = await host.operator()
  await operator.post(ComAtprotoTempRevokeAccountCredentials.mainSchema, { account })
  return tell(flags, { did: account }, `${name} is shut until its password is reset by mail\n`)
}

async function updateEmail({ host, flags, words: [name, email] }: Call): Promise<number> {
  const account = await didOf(host, name!)
  const operator = await host.operator()
  await operator.post(ComAtprotoAdminUpdateAccountEmail.mainSchema, { account, email: email! })
  return tell(flags, { did: account, email }, `${name} has the address ${email}, not confirmed\n`)
}

async function updateHandle({ host, flags, words: [name, handle] }: Call): Promise<number> {
  const did = await didOf(host, name!)
  const operator = await host.operator()
  const input = { did, handle: handle as Handle }
  await operator.post(ComAtprotoAdminUpdateAccountHandle.mainSchema, input)
  return tell(flags, input, `${name} is ${handle} now\n`)
}

async function remove({ host, flags, words: [name] }: Call): Promise<number> {
  const did = await didOf(host, name!)
  if (!flags.yes) {
    const typed = await ask(`This deletes ${name} for good. Type ${name} to go on`)
    if (typed !== name) throw new ConfigError(['Nothing was deleted'])
  }
  const operator = await host.operator()
  await operator.post(ComAtprotoAdminDeleteAccount.mainSchema, { did })
  return tell(flags, { did }, `${name} is deleted\n`)
}

const SUBJECT = 'ACCOUNT|URI'
const DOWN = { ref: 'value', blob: 'value' } as const

export const peopleVerbs: readonly Verb[] = [
  {
    name: 'create',
    words: ['HANDLE'],
    flags: { email: 'value', invite: 'value', ...NEW_PASSWORD },
    usage: '--email ADDRESS [--invite CODE] [--new-password-file FILE]',
    run: create,
  },
  { name: 'info', words: ['ACCOUNT'], run: info },
  {
    name: 'takedown',
    words: [SUBJECT],
    flags: DOWN,
    usage: '[--blob CID] [--ref TEXT]',
    run: setTakedown(true),
  },
  {
    name: 'untakedown',
    words: [SUBJECT],
    flags: DOWN,
    usage: '[--blob CID]',
    run: setTakedown(false),
  },
  {
    name: 'reset-password',
    words: ['ACCOUNT'],
    flags: NEW_PASSWORD,
    usage: '[--new-password-file FILE]',
    run: resetPassword,
  },
  { name: 'revoke-credentials', words: ['ACCOUNT'], run: revokeCredentials },
  { name: 'update-email', words: ['ACCOUNT', 'ADDRESS'], run: updateEmail },
  { name: 'update-handle', words: ['ACCOUNT', 'HANDLE'], run: updateHandle },
  { name: 'delete', words: ['ACCOUNT'], flags: { yes: 'switch' }, usage: '[--yes]', run: remove },
]
