import { getHealth as schema } from '#protocol/account'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

const STOPPED_MAX = 100

/** How this host is: accounts that stand still, letters that wait. By the operator. */
export const getHealth = ({
  callers,
  checkpoints,
  host,
  mail,
  recovery,
  standby,
}: Pick<Pds, 'callers' | 'checkpoints' | 'host' | 'mail' | 'recovery' | 'standby'>) =>
  query(schema, {
    auth: callers.operator('look'),
    async handle() {
      const letters = await mail.outbox.counts()
      return {
        version: host.version,
        stoppedCount: recovery.stoppedCount,
        stopped: recovery.stopped(STOPPED_MAX),
        unsyncedFiles: checkpoints.unsyncedCount,
        leavesHost: mail.leavesHost,
        lettersWaiting: letters.waiting ?? 0,
        lettersFailed: letters.failed ?? 0,
        ...(standby && { standby: standby.health() }),
      }
    },
  })
