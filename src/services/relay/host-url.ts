/** Which hosts a relay may be asked to read. */
import { XrpcError } from '#protocol/xrpc'

/** A name with a dot, whose last part is no number: no address, and nothing of this machine. */
const NAME = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/
const LOCAL = /^(localhost|127\.0\.0\.1)(:([1-9]\d{0,4}))?$/
const SCHEME = /^(https?|wss?):\/\//

/**
 * The origin of a host named by `requestCrawl`: https and a public name, without a port. In local
 * mode `localhost` with a port is taken too, over http. A scheme in front is passed over. Throws
 * InvalidRequest.
 */
export function hostUrlReader({ local }: { local: boolean }): (hostname: string) => string {
  return (hostname) => {
    const name = hostname.trim().toLowerCase().replace(SCHEME, '').replace(/\/$/, '')
    const port = Number(LOCAL.exec(name)?.[3] ?? 80)
    if (local && LOCAL.test(name) && port <= 65_535) return new URL(`http://${name}`).origin
    if (NAME.test(name) && !isOfThisMachine(name)) return `https://${name}`
    throw new XrpcError(400, 'InvalidRequest', 'hostname must be a public host name')
  }
}

const isOfThisMachine = (name: string) => /(^|\.)(localhost|local|internal)$/.test(name)
