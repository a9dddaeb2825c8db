import { mainSchema } from '@atcute/bluesky/types/app/unspecced/initAgeAssurance'
import { type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'
import { notAssuring } from './app.bsky.ageassurance.begin.ts'

/** The older form of app.bsky.ageassurance.begin. Errors: InvalidInitiation. */
export function initAgeAssurance({ auth }: Pick<ReadParts, 'auth'>): Method {
  return procedure(mainSchema, {
    auth: auth.required,
    async handle() {
      throw notAssuring()
    },
  })
}
