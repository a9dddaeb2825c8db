import type { MailTransport, Metrics, Outside, Service } from '#platform/runtime'
import type { Blobs, Sql } from '#platform/storage'
import {
  fencedBlobs,
  fencedLoops,
  fencedMail,
  fencedOutside,
  fencedSql,
  requireHeld,
} from './fence.ts'
import { fencedService } from './fenced-service.ts'
import type { Lease } from './lease.ts'

/** Everything by which a host writes or acts, beside its journal. */
interface Writers {
  sql: Sql
  blobs: Blobs
  mail?: MailTransport | undefined
  moderationMail?: MailTransport | undefined
  outside: Outside
  metrics: Metrics
}

/** Builds a service of which no part writes or acts while the lease is not held. */
export async function fenced<D extends Writers, S extends Service & { loops: Service['loops'] }>(
  lease: Lease,
  deps: D,
  build: (deps: D) => Promise<S>,
): Promise<S> {
  let isOpen = false
  const require = requireHeld(lease)
  // A long replay may outlast a term: it waits. Once people are served they are refused instead.
  const mayWrite = () => (isOpen ? require() : lease.untilHeld())
  const service = await build({
    ...deps,
    sql: fencedSql(deps.sql, mayWrite),
    blobs: fencedBlobs(deps.blobs, mayWrite),
    mail: fencedMail(deps.mail, mayWrite),
    moderationMail: fencedMail(deps.moderationMail, mayWrite),
    outside: fencedOutside(deps.outside, mayWrite),
  })
  isOpen = true
  measure(deps.metrics, lease)
  service.loops = fencedLoops(service.loops, lease)
  return fencedService(service, lease)
}

function measure(metrics: Metrics, lease: Lease): void {
  metrics.gauge('pds_lease_held', 'Whether this host may write.', [], () => Number(lease.held()))
  metrics.gauge('pds_lease_epoch', 'Epoch of the lease of this host.', [], () => lease.epoch)
  metrics.gauge(
    'pds_lease_remaining_seconds',
    'How long this host may write if the lease is not renewed.',
    [],
    () => lease.remainingMs() / 1000,
  )
}
