/** A list of preferences, of which each client knows only some. Pure. */

export interface Preference {
  $type: string
  [field: string]: unknown
}

/** The preference of a kind, if it is there. */
export function preference<T>(
  list: readonly Preference[] | undefined,
  type: string,
): T | undefined {
  return list?.find(({ $type }) => $type === type) as T | undefined
}

/** The list with the preference of this kind in place of the one that was. */
export function withPreference(
  list: readonly Preference[],
  type: string,
  fields: object,
): Preference[] {
  const mine = { ...preference<object>(list, type), ...fields, $type: type }
  const at = list.findIndex(({ $type }) => $type === type)
  return at < 0 ? [...list, mine] : list.with(at, mine)
}
