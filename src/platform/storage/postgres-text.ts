/** Statements of the contract (with `?`) as PostgreSQL takes them (with `$1`), worked out once per text. */

export interface PostgresStatement {
  /** Under which it is kept prepared; undefined where too many are. */
  name: string | undefined
  text: string
  parameterCount: number
  /** It changes nothing, as its first word says. */
  isRead: boolean
  /** It may meet a taken key: alone in a transaction it must not take the rest with it. */
  mayConflict: boolean
}

/** Kept prepared on each connection; texts beyond that are prepared each time. */
const NAMED_MAX = 1_000
const KEPT_MAX = 4_000

/** Literals, quoted names and comments, which keep their question marks; or a mark. */
const PART = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\?(\d*)/g

/** Statements by their text. */
export class PostgresStatements {
  readonly #kept = new Map<string, PostgresStatement>()
  #named = 0

  of(sql: string): PostgresStatement {
    const known = this.#kept.get(sql)
    if (known !== undefined) return known
    const name = this.#named < NAMED_MAX ? `s${this.#named++}` : undefined
    const statement = { name, ...translated(sql) }
    if (name !== undefined || this.#kept.size < KEPT_MAX) this.#kept.set(sql, statement)
    return statement
  }
}

/** `?` counts from the left, `?3` says which it is. */
export function translated(sql: string): Omit<PostgresStatement, 'name'> {
  let parameterCount = 0
  const text = sql.replace(PART, (part, digits: string | undefined) => {
    if (!part.startsWith('?')) return part
    const number = digits ? Number(digits) : parameterCount + 1
    parameterCount = Math.max(parameterCount, number)
    return `$${number}`
  })
  const word = /^\s*(\w+)/.exec(text.replace(/^(\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)+/, ''))?.[1]
  const first = word?.toLowerCase()
  const mayConflict = first === 'update' || (first === 'insert' && !/\bon\s+conflict\b/i.test(text))
  return { text, parameterCount, isRead: first === 'select', mayConflict }
}
