/**
 * Whether the host of somebody's account answers. Only hosts of this network are asked: no stranger's
 * server learns from us who reads whom.
 */
import { network } from '../app/config.ts'
import { isAnswering } from './health.ts'
import { identityOf } from './identity.ts'

const limit = 200
const hosts = new Map<string, string | undefined>()

/** The host of the account when it is one of this network's and does not answer. */
export async function silentHostOf(did: string): Promise<string | undefined> {
  const ours = network().pds.map(({ url }) => url)
  if (ours.length === 0) return undefined
  if (!hosts.has(did)) {
    if (hosts.size >= limit) hosts.clear()
    hosts.set(did, (await identityOf(did)).pds)
  }
  const host = hosts.get(did)
  if (host === undefined || !ours.includes(host)) return undefined
  return (await isAnswering(host)) ? undefined : host
}
