/** The key of an organisation, put into the identities of accounts that were there before it. */
import { ComAtprotoSyncListRepos } from '@atcute/atproto'
import { ConfigError } from '#platform/runtime'
import { addOrganisationKey } from '#protocol/account'
import type { Did } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { OperatedHost } from '../operator.ts'
import { endProgress, showProgress, tell } from '../terminal.ts'
import { type Call, didOf, type Verb } from './verb.ts'

const AT_ONCE = 4
const PAGE = 500
const NAMED_MAX = 1_000

/**
 * One account after the other, a few at once. Interrupted it is run again: where the key is already,
 * nothing happens. Exits with 1 when it could not be added everywhere.
 */
async function addKey({ host, flags, words }: Call): Promise<number> {
  if (words.length > 0 === (flags.all === true)) {
    throw new ConfigError(['Name accounts, or say --all'])
  }
  const dids = flags.all
    ? await everybody(host)
    : await Promise.all(words.map((w) => didOf(host, w)))
  const operator = await host.operator()
  const report = { added: [] as Did[], there: 0, failed: [] as { did: Did; why: string }[] }
  const waiting = dids.values()
  let done = 0
  const work = async () => {
    for (const did of waiting) {
      try {
        const { added } = await operator.post(addOrganisationKey, { did })
        if (added) report.added.push(did)
        else report.there++
      } catch (error) {
        // What is true of the host, not of the account, is true of all of them.
        if (!(error instanceof XrpcError) || error.error === 'NoOrganisationKey') throw error
        if (error.status === 401 || error.status === 403) throw error
        report.failed.push({ did, why: `${error.error}: ${error.message}` })
      }
      done++
      if (process.stderr.isTTY) showProgress('accounts', { done, total: dids.length })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work)).finally(endProgress)
  const failed = report.failed.map(({ did, why }) => `${did}: ${why}\n`)
  const counts = `${report.added.length} got the key, ${report.there} had it, ${failed.length} could not get it\n`
  tell(flags, report, failed.join('') + counts)
  return failed.length > 0 ? 1 : 0
}

async function everybody(host: OperatedHost): Promise<Did[]> {
  const dids: Did[] = []
  let cursor: string | undefined
  do {
    const params = { limit: PAGE, ...(cursor && { cursor }) }
    const page = await host.open.get(ComAtprotoSyncListRepos.mainSchema, params)
    dids.push(...page.repos.map(({ did }) => did))
    cursor = page.cursor
  } while (cursor)
  return dids
}

export const organisationVerbs: readonly Verb[] = [
  {
    name: 'organisation-key',
    words: [],
    more: NAMED_MAX,
    flags: { all: 'switch' },
    usage: '[--all]',
    run: addKey,
  },
]
