/** Which hosts a relay may be asked to read. */
import { XrpcError } from '#protocol/xrpc'

const NAME = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*$/

/**
 * The origin of a host named by `requestCrawl`: https and a public name, without a port. In local
 * mode `localhost` with a port is taken too. Throws InvalidRequest.
 */
export function hostUrlReader({ local }: { local: boolean }): (hostname: string) => string {
  return (hostname) => {
    const name = hostname.trim().toLowerCase()
    const [bare, port, ...rest] = name.replace(/^https?:\/\//, '').split(':')
    if (local && isLocal(bare!) && rest.length === 0 && (!port || /^\d{1,5}$/.test(port))) {
      return `http://${bare}${port ? `:${port}` : ''}`
    }
    if (!NAME.test(name)) {
      throw new XrpcError(400, 'InvalidRequest', 'hostname must be a public host name')
    }
    return `https://${name}`
  }
}

const isLocal = (name: string) => name === 'localhost' || name === '127.0.0.1'
