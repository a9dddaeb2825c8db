/** Which addresses an outgoing connection may reach, decided on the address that is connected to. */
import { type LookupAddress, lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { OutgoingError } from './outgoing-error.ts'

export interface AddressRules {
  /** Private, loopback and link-local addresses are allowed too: local mode and private networks. */
  allowPrivate?: boolean
  /** Networks allowed besides public ones, as CIDR (`10.1.0.0/16`, `fd00::/8`). */
  allowNetworks?: readonly string[]
}

/** Never a peer, also when private addresses are allowed. */
const NEVER = new Set(['unspecified', 'broadcast', 'multicast', 'reserved'])

/** Decides on one address text; anything that is not an address is refused. */
export type AddressGuard = (address: string) => boolean

/** Builds the guard once. Throws on a CIDR that does not parse. */
export function addressGuard(rules: AddressRules): AddressGuard {
  const networks = (rules.allowNetworks ?? []).map((text) => ipaddr.parseCIDR(text))
  return (text) => {
    if (!ipaddr.isValid(text)) return false
    const address = ipaddr.process(text) // IPv4 inside IPv6 is judged as the IPv4 it is
    const range = address.range()
    if (range === 'unicast') return true
    if (networks.some((net) => net[0].kind() === address.kind() && address.match(net))) return true
    return rules.allowPrivate === true && !NEVER.has(range)
  }
}

/** Host of a URL without the brackets of an IPv6 literal. */
export function bareHost(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

/** Throws OutgoingError ForbiddenAddress when the host is a literal address that is not allowed. */
export function checkLiteral(hostname: string, allowed: AddressGuard): void {
  const host = bareHost(hostname)
  if (isIP(host) !== 0 && !allowed(host))
    throw new OutgoingError('ForbiddenAddress', host, `address ${host} is not allowed`)
}

/**
 * A `lookup` for net.connect that answers only allowed addresses, so that the name cannot change its
 * mind between a check and the connection. A literal never gets here: see checkLiteral.
 */
export function guardedLookup(allowed: AddressGuard): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const fitting = (found as LookupAddress[] | undefined)?.filter((one) => allowed(one.address))
      if (error) return callback(error, '', 0)
      const first = fitting?.[0]
      if (!first)
        return callback(
          new OutgoingError('ForbiddenAddress', hostname, `${hostname} has no allowed address`),
          '',
          0,
        )
      if (options.all) callback(null, fitting as unknown as string, 0)
      else callback(null, first.address, first.family)
    })
  }
}
