import { importPrivate as schema } from '#protocol/account'
import { type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** Adds a page of another app view to what is known here alone of the viewer. */
export function importPrivate({
  auth,
  privateState,
}: Pick<ReadParts, 'auth' | 'privateState'>): Method {
  return procedure(schema, {
    auth: auth.required,
    limits: { bodyBytes: 4_000_000 }, // four drafts of 500 kB, written with as many escapes as letters
    async handle({ input, caller }) {
      return { refused: await privateState.import(caller.did, input.items) }
    },
  })
}
