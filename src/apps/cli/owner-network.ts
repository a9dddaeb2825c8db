import { guardedFetch } from '#platform/runtime'

/**
 * The network as whoever sits at the keyboard sees it: they name the hosts, and machines of their own
 * network are theirs to name. A whole account passes, so neither size nor time is limited: only silence,
 * and by more than a host takes to take in a large repository.
 */
export const ownerNetwork = () =>
  guardedFetch({
    allowPrivate: true,
    limits: { silenceMs: 10 * 60_000, maxResponseBytes: 1e12 },
  })
