/** `falaj mail`: the letters a host has for people. */
import { ConfigError } from '#platform/runtime'
import { getLetter, type LetterView, listLetters, resendLetter } from '#protocol/account'
import { type Flags, readFlags } from './flags.ts'
import { asOperator, OPERATOR_FLAGS } from './operator.ts'
import { shown, tell } from './terminal.ts'

const FLAGS = {
  ...OPERATOR_FLAGS,
  state: 'value',
  recipient: 'value',
  limit: 'value',
  cursor: 'value',
} as const

const STATES = ['kept', 'waiting', 'sent', 'failed'] as const
type State = (typeof STATES)[number]

const USAGE = [
  'falaj mail list --host URL [--state kept|waiting|sent|failed] [--recipient ADDRESS|DID] [--limit N] [--cursor C]',
  'falaj mail show ID --host URL',
  'falaj mail resend ID --host URL',
]

/** Lists letters, shows one with what it says, or gives one to the mail server again. */
export async function runMail(args: readonly string[]): Promise<number> {
  const { flags, words } = readFlags(args, FLAGS)
  const [verb, id, ...more] = words
  if (verb === 'list' && id === undefined) return await list(flags)
  if (verb === 'show' && id && more.length === 0) return await show(flags, readId(id))
  if (verb === 'resend' && id && more.length === 0) return await resend(flags, readId(id))
  throw new ConfigError(USAGE)
}

async function list(flags: Flags): Promise<number> {
  const state = flags.state as State | undefined
  if (state !== undefined && !STATES.includes(state)) {
    throw new ConfigError([`--state must be one of ${STATES.join(', ')}`])
  }
  const limit = flags.limit === undefined ? 50 : readId(String(flags.limit))
  const { recipient, cursor } = flags as Record<string, string | undefined>
  const params = { limit, ...(state && { state }), ...(recipient && { recipient }) }
  const found = await asOperator(flags, (client) =>
    client.get(listLetters, { ...params, ...(cursor && { cursor }) }),
  )
  const note = found.leavesHost ? '' : 'No mail server: letters stay here until they are read.\n'
  const rest = found.cursor ? `More: --cursor ${found.cursor}\n` : ''
  const lines = found.letters.map(lineOf).join('')
  return tell(flags, found, `${note}${lines || 'No letters.\n'}${rest}`)
}

async function show(flags: Flags, id: number): Promise<number> {
  const found = await asOperator(flags, (client) => client.get(getLetter, { id }))
  const { letter, text } = found
  const said = text ?? 'What it said is not kept: it was delivered, or its code has expired.\n'
  return tell(flags, found, `${lineOf(letter)}${shown(letter.subject)}\n\n${shown(said)}`)
}

async function resend(flags: Flags, id: number): Promise<number> {
  const found = await asOperator(flags, (client) => client.post(resendLetter, { id }))
  return tell(flags, found, lineOf(found.letter))
}

function readId(word: string): number {
  if (/^[1-9]\d{0,14}$/.test(word)) return Number(word)
  throw new ConfigError([`a number is needed, not ${word}`])
}

function lineOf({ id, createdAt, state, purpose, recipient, reason }: LetterView): string {
  const columns = [
    String(id).padStart(5),
    createdAt,
    state.padEnd(7),
    purpose.padEnd(14),
    recipient,
  ]
  return `${shown([...columns, reason ? `(${reason})` : ''].join('  ').trimEnd())}\n`
}
