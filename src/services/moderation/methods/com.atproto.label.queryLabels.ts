import { ComAtprotoLabelQueryLabels } from '@atcute/atproto'
import { jsonOutput, noAuth, query } from '#protocol/xrpc'
import type { Moderation } from '../parts.ts'

/** Labels in force on what the patterns name. */
export const queryLabels = ({ labels }: Pick<Moderation, 'labels'>) =>
  query(ComAtprotoLabelQueryLabels.mainSchema, {
    auth: noAuth,
    async handle({ params: { uriPatterns: patterns, sources, limit, cursor } }) {
      return jsonOutput(await labels.query({ patterns, sources, limit, cursor }), {})
    },
  })
