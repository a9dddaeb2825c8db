import { ComAtprotoTempCheckHandleAvailability } from '@atcute/atproto'
import { noAuth, query, XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { isEmail } from './email.ts'

type Parts = Pick<Pds, 'accounts' | 'handles'>

const SUGGESTIONS_MAX = 5

/** Whether somebody may sign up with a handle, and names like it when not. Errors: InvalidEmail. */
export const checkHandleAvailability = (pds: Parts) =>
  query(ComAtprotoTempCheckHandleAvailability.mainSchema, {
    auth: noAuth,
    async handle({ params: { handle, email, birthDate } }) {
      if (email !== undefined && !isEmail(email)) {
        throw new XrpcError(400, 'InvalidEmail', 'Not an email address')
      }
      const result = (await isFree(pds, handle))
        ? { $type: 'com.atproto.temp.checkHandleAvailability#resultAvailable' as const }
        : {
            $type: 'com.atproto.temp.checkHandleAvailability#resultUnavailable' as const,
            suggestions: await suggestions(pds, handle, ownWords(email, birthDate)),
          }
      return { handle, result }
    },
  })

async function isFree({ accounts, handles }: Parts, text: string): Promise<boolean> {
  try {
    await accounts.requireFree(handles.requireOwn(text), undefined)
    return true
  } catch (error) {
    if (error instanceof XrpcError) return false
    throw error
  }
}

/** Nothing but the name before the `@` and the year, which the person gave for this. */
function ownWords(email: string | undefined, birthDate: string | undefined): string[] {
  const name = email?.split('@')[0]
  const year = birthDate?.slice(0, 4)
  return name ? [name, ...(year ? [`${name}${year}`] : [])] : []
}

async function suggestions(pds: Parts, handle: string, words: readonly string[]) {
  const found: { handle: `${string}.${string}`; method: string }[] = []
  for (const offer of pds.handles.alike(handle, words)) {
    if (await isFree(pds, offer.handle)) found.push(offer)
    if (found.length === SUGGESTIONS_MAX) break
  }
  return found
}
