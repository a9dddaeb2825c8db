import { isDatetime } from '#protocol/syntax'
import { type Json, quote } from './json.ts'

/** A list of labels with more of them at its end. */
export function withLabels(labels: Json, more: readonly Json[]): Json {
  const own = labels.slice(1, -1)
  return `[${own}${own === '' ? '' : ','}${more.join()}]`
}

/** Labels an author put on an own record: `labels` as the record holds it, in any state. */
export function selfLabels(
  labels: unknown,
  { did, uri, cid, createdAt }: { did: string; uri: string; cid: string; createdAt: unknown },
): Json {
  const values = (labels as { values?: { val?: unknown }[] } | undefined)?.values
  if (!Array.isArray(values) || values.length === 0) return '[]'
  const cts = isDatetime(createdAt) ? createdAt : '1970-01-01T00:00:00.000Z'
  const list = values
    .filter((label) => typeof label?.val === 'string')
    .map((label) => ({ src: did, uri, cid, val: label.val, cts }))
  return quote(list)
}
