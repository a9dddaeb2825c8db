/** `falaj account`: what the operator of a host does with accounts, invites and other operators. */
import { ConfigError } from '#platform/runtime'
import { invitesVerbs } from './account/invites.ts'
import { listVerbs } from './account/listing.ts'
import { operatorVerbs } from './account/operators.ts'
import { organisationVerbs } from './account/organisation-key.ts'
import { peopleVerbs } from './account/people.ts'
import { suspensionVerbs } from './account/suspensions.ts'
import type { Verb } from './account/verb.ts'
import { readFlags } from './flags.ts'
import { OPERATOR_FLAGS, withHost } from './operator.ts'

const verbs: readonly Verb[] = [
  ...peopleVerbs,
  ...suspensionVerbs,
  ...listVerbs,
  ...invitesVerbs,
  ...operatorVerbs,
  ...organisationVerbs,
]

const COMMON =
  'Everywhere: --host URL, or --env-file FILE of the host’s own settings; --user NAME, --password-file FILE, --json'

/** Runs one verb, which comes first: one word, or two (`invite list`). */
export async function runAccount(args: readonly string[]): Promise<number> {
  const first = args.slice(0, 2)
  const named = (name: string) => verbs.filter((verb) => verb.name === name)
  const [verb] = [...named(first.join(' ')), ...named(first[0] ?? '')]
  if (!verb) throw new ConfigError([...verbs.map(usageOf), COMMON])
  const { flags, words } = readFlags(args, { ...OPERATOR_FLAGS, ...verb.flags })
  const given = words.slice(verb.name.split(' ').length)
  if (given.length < verb.words.length || given.length > verb.words.length + (verb.more ?? 0)) {
    throw new ConfigError([usageOf(verb)])
  }
  return withHost(flags, (host) => verb.run({ host, flags, words: given }))
}

function usageOf({ name, words, more, usage }: Verb): string {
  const wanted = [...words, ...(more ? ['…'] : [])].join(' ')
  return `falaj account ${[name, wanted, usage].filter(Boolean).join(' ')}`
}
