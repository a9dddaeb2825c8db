/** What counts as "this machine" for a listener in local mode. */
import { isIP } from 'node:net'
import { bareHost } from './addresses.ts'

/** Names that public DNS can never hold (RFC 2606, RFC 6761), so no stranger's page can use them. */
const LOCAL_DOMAINS = ['localhost', 'test', 'example']

/** An address or name to listen on that only this machine can reach. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || isLoopbackAddress(host)
}

export function isLoopbackAddress(address: string): boolean {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'))
}

/**
 * Whether a Host header names this machine. Refusing others keeps pages of the open web from
 * reaching a local service through a name of theirs that resolves to loopback.
 */
export function isLocalHostHeader(header: string | undefined): boolean {
  if (header === undefined) return true
  const name = bareHost(header.replace(/:\d+$/, '')).toLowerCase()
  if (isLoopbackAddress(name)) return true
  return LOCAL_DOMAINS.some((domain) => name === domain || name.endsWith(`.${domain}`))
}
