import { invalidRequest } from '#protocol/xrpc'

/** A filter that is passed over would answer another question: it is refused. */
export function refuseOthers(params: object, supported: readonly string[]): void {
  for (const [name, value] of Object.entries(params))
    if (value !== undefined && !supported.includes(name))
      throw invalidRequest(`Not supported here: ${name}`)
}
