import { ComAtprotoModerationDefs } from '@atcute/atproto'
import { ToolsOzoneReportDefs } from '@atcute/ozone'

/** The author of something asks to look at a decision again. */
export const REASON_APPEAL = 'com.atproto.moderation.defs#reasonAppeal'
const REASON_APPEALS = [REASON_APPEAL, 'tools.ozone.report.defs#reasonAppeal']

const known = new Set<string>()
for (const definitions of [ComAtprotoModerationDefs, ToolsOzoneReportDefs])
  for (const schema of Object.values(definitions) as { expected?: unknown }[])
    if (typeof schema.expected === 'string') known.add(schema.expected)

/** Whether the lexicons know this reason type. */
export function isReason(name: string): boolean {
  return known.has(name)
}

export function isAppeal(name: string): boolean {
  return REASON_APPEALS.includes(name)
}
