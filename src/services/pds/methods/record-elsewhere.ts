import { type HttpRequest, type Method, XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** A method that reads repositories, asking the app view about those that are not here. */
export const orElsewhere =
  <P>(make: (pds: P) => Method) =>
  ({ proxy, ...pds }: P & Pick<Pds, 'proxy'>): Method => {
    const method = make(pds as P)
    const elsewhere = async (error: unknown, request: HttpRequest) => {
      if (!(error instanceof XrpcError) || error.error !== 'RepoNotFound') throw error
      const found = await proxy.fromAppview(request, method.nsid)
      if (!found) throw error
      return found
    }
    const handle = (call: never): unknown => {
      const output = method.handle(call)
      if (!(output instanceof Promise)) return output
      return output.catch((error) => elsewhere(error, (call as { request: HttpRequest }).request))
    }
    return { ...method, handle } as Method
  }
