import { type BaseSchema, FLAG_STRICT } from '@atcute/lexicons/validations'
import { type Check, type Issue, Replaced } from './check.ts'
import type { FieldType, ParamsType } from './document.ts'

/** What a reader of query strings looks at in the schema of a parameter. */
interface ParamView {
  type: string
  item?: ParamView
}

/** The parameters' names and types, in the shape that schemas of @atcute/lexicons have. */
export function paramsView(params: ParamsType | undefined): Record<string, unknown> {
  const shape: Record<string, ParamView> = {}
  for (const [name, field] of Object.entries(params?.properties ?? {})) shape[name] = view(field)
  return { shape }
}

function view(field: FieldType): ParamView {
  return field.type === 'array' ? { type: 'array', item: view(field.items) } : { type: field.type }
}

/**
 * A compiled check behind the interface of @atcute/lexicons, so that `safeParse` and whatever is
 * built on it take both kinds alike. A missing definition is thrown, which makes it a 500: the
 * service was started with incomplete lexicons.
 */
export function toSchema(check: Check, extra: Record<string, unknown>): BaseSchema {
  const schema = {
    kind: 'schema',
    type: 'object',
    ...extra,
    '~run'(input: unknown, flags: number) {
      const outcome = check(input, (flags & FLAG_STRICT) !== 0)
      if (outcome === undefined) return undefined
      if (outcome instanceof Replaced) return { ok: true, value: outcome.value }
      return issueTree(outcome)
    },
  }
  return schema as unknown as BaseSchema
}

function issueTree(issue: Issue): unknown {
  let tree: unknown = { ok: false, code: 'invalid_value', msg: () => issue.message }
  for (const key of issue.path.toReversed()) tree = { ok: false, code: 'prepend', key, tree }
  return tree
}
