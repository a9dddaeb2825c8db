import { type Directory, UpstreamError } from '#protocol/identity'
import { type Did, type Handle, isDid } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { Query } from './match.ts'
import type { ParsedQuery } from './parse-query.ts'

/**
 * Looks up who a query names, at the authorities, not in the index: what an account there claims to
 * be called proves nothing. Undefined when one of them is nobody. Throws 502 UpstreamFailure (or
 * 504) when it cannot be told just now.
 */
export async function withAccounts(
  query: ParsedQuery,
  viewer: Did | undefined,
  directory: Directory,
): Promise<Query | undefined> {
  const lookUp = (names: readonly string[]) =>
    Promise.all(names.map((name) => didOf(name, viewer, directory)))
  const [authors, mentions] = await Promise.all([lookUp(query.authors), lookUp(query.mentions)])
  if (authors.includes(undefined) || mentions.includes(undefined)) return undefined
  return { ...query, authors: authors as Did[], mentions: mentions as Did[] }
}

async function didOf(
  name: string,
  viewer: Did | undefined,
  directory: Directory,
): Promise<Did | undefined> {
  if (name === 'me') return viewer
  if (isDid(name)) return name
  try {
    return await directory.resolveHandle(name.toLowerCase() as Handle)
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error
    const status = error.code === 'UpstreamTimeout' ? 504 : 502
    throw new XrpcError(status, error.code, `${name} could not be looked up`, { cause: error })
  }
}
