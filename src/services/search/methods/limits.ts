import { XrpcError } from '#protocol/xrpc'

/** UTF-16 units of a query. */
const QUERY_LENGTH_MAX = 1_000
/** Words and filters of a query. */
const TERMS_MAX = 32
/** Accounts of a query: each may cost a lookup at somebody's domain. */
const ACCOUNTS_MAX = 4

/** Throws 400 BadQueryString for a query that is too long to be anybody's. */
export function checkLength(q: string): void {
  if (q.length > QUERY_LENGTH_MAX)
    throw badQuery(`a query has at most ${QUERY_LENGTH_MAX} characters`)
}

/** Throws 400 BadQueryString for a query of too many terms. */
export function checkTerms(count: number): void {
  if (count > TERMS_MAX) throw badQuery(`a query has at most ${TERMS_MAX} words and filters`)
}

/** Throws 400 BadQueryString for a query that names too many accounts. */
export function checkAccounts(count: number): void {
  if (count > ACCOUNTS_MAX) throw badQuery(`a query names at most ${ACCOUNTS_MAX} accounts`)
}

export function badQuery(message: string): XrpcError {
  return new XrpcError(400, 'BadQueryString', message)
}
