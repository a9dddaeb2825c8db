import { listVaultDrills as schema } from '#protocol/account'
import { formatDatetime } from '#protocol/syntax'
import { query } from '#protocol/xrpc'
import type { Vault } from '../parts.ts'

/** Drills that were held, newest first, account by account. */
export const listDrills = ({ callers, drills }: Pick<Vault, 'callers' | 'drills'>) =>
  query(schema, {
    auth: callers.operator,
    async handle({ params: { limit } }) {
      const list = []
      for (const { id, startedMs, endedMs, ...counts } of await drills.list(limit)) {
        const sample = await drills.accountsOf(id)
        list.push({
          ...counts,
          startedAt: formatDatetime(startedMs),
          endedAt: formatDatetime(endedMs),
          sample: sample.map(({ timeMs, problem, ...one }) => ({
            ...one,
            time: formatDatetime(timeMs),
            ...(problem !== null && { problem }),
          })),
        })
      }
      return { drills: list }
    },
  })
