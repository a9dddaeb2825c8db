import type { PrivatePartCopied } from '#protocol/account'
import { shown } from './terminal.ts'

/** What became of what is not in a repository, a line for each kind. */
export const describeParts = (parts: readonly PrivatePartCopied[]): string =>
  parts.map((one) => `  ${one.part.padEnd(13)} ${said(one)}\n`).join('')

function said({ outcome, count, names = [] }: PrivatePartCopied): string {
  switch (outcome) {
    case 'carried':
      return String(count)
    case 'named':
      return count === 0 ? 'none' : `${names.map(shown).join(', ')}: to be made again`
    case 'kept':
      return 'as it is here: it was in use already'
    case 'shared':
      return 'where it was: it need not move'
    default:
      return 'not said by where it was, or nobody here takes it'
  }
}
