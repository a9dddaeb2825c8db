import { isNsid } from '#protocol/syntax'
import { parsePermission } from './permissions.ts'
import { escapeScopeValue, scopeLengthMax } from './scope-syntax.ts'

/** A published list of permissions, as apps name it in `include:`. */
export interface PermissionSet {
  nsid: string
  /** By language; the empty name is the one without. */
  titles: Readonly<Record<string, string>>
  details: Readonly<Record<string, string>>
  permissions: readonly Readonly<Record<string, unknown>>[]
}

/** Entries of a set that are looked at. */
const entriesMax = 500
const textMax = 1_000

/**
 * Reads the lexicon of a permission set. Undefined when the document is something else, or another's.
 * https://atproto.com/specs/permission#permission-sets
 */
export function parsePermissionSet(document: unknown, nsid: string): PermissionSet | undefined {
  const { lexicon, id, defs } = objectOf(document)
  const main = objectOf(objectOf(defs).main)
  if (lexicon !== 1 || id !== nsid || main.type !== 'permission-set') return undefined
  if (!Array.isArray(main.permissions)) return undefined
  return {
    nsid,
    titles: texts(main, 'title'),
    details: texts(main, 'detail'),
    permissions: main.permissions.slice(0, entriesMax).map(objectOf),
  }
}

const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {}

function texts(main: Record<string, unknown>, name: string): Record<string, string> {
  const all = Object.entries({ ...objectOf(main[`${name}:lang`]), '': main[name] })
  return Object.fromEntries(
    all.flatMap(([language, text]) =>
      typeof text === 'string' ? [[language, text.slice(0, textMax)]] : [],
    ),
  )
}

/**
 * The permissions of a set as scopes of their own. `aud` is what the `include:` names, for those
 * that inherit it. Left out is whatever is not wholly understood, or outside the set's own names.
 */
export function scopesOfSet(set: PermissionSet, aud: string | undefined): string[] {
  return set.permissions.flatMap((entry) => {
    const scope = entry.resource === 'repo' ? repoScope(entry) : rpcScope(entry, aud)
    if (scope === undefined || scope.length > scopeLengthMax) return []
    const permission = parsePermission(scope)
    if (permission?.resource !== 'repo' && permission?.resource !== 'rpc') return []
    const names = permission.resource === 'repo' ? permission.collections : permission.lxm
    return names.every((name) => isUnder(set.nsid, name)) ? [scope] : []
  })
}

function repoScope(entry: Readonly<Record<string, unknown>>): string | undefined {
  const { type, resource, collection, action, ...rest } = entry
  if (type !== 'permission' || Object.keys(rest).length > 0) return undefined
  if (!isTexts(collection) || (action !== undefined && !isTexts(action))) return undefined
  return `repo?${query({ collection, action: action ?? [] })}`
}

function rpcScope(
  entry: Readonly<Record<string, unknown>>,
  inherited: string | undefined,
): string | undefined {
  const { type, resource, lxm, aud, inheritAud, ...rest } = entry
  if (type !== 'permission' || resource !== 'rpc' || Object.keys(rest).length > 0) return undefined
  if (!isTexts(lxm) || (inheritAud !== undefined && typeof inheritAud !== 'boolean'))
    return undefined
  if (aud !== undefined && (aud !== '*' || inheritAud === true)) return undefined
  const audience = inheritAud === true ? inherited : aud
  return audience === undefined ? undefined : `rpc?${query({ lxm, aud: [audience as string] })}`
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string')

const query = (params: Record<string, readonly string[]>) =>
  Object.entries(params)
    .flatMap(([name, values]) => values.map((value) => `${name}=${escapeScopeValue(value)}`))
    .join('&')

/** Whether a name is in the group of the set's own name or below it. */
function isUnder(setNsid: string, name: string): boolean {
  const group = setNsid.slice(0, setNsid.lastIndexOf('.') + 1)
  return isNsid(name) && name.startsWith(group)
}
