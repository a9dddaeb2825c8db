/** Queries: read from text, told who is meant, turned into what the index understands. */
export { withAccounts } from './accounts.ts'
export { postMatchOf, type Query, termCount } from './match.ts'
export { addSince, addUntil, emptyQuery, type ParsedQuery, parseQuery } from './parse-query.ts'
