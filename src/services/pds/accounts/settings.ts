import type { Sql } from '#platform/storage'

/** Small named values of the host: replay point, service identity, sealed keys. */
export class Settings {
  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
  }

  async get<T>(name: string): Promise<T | undefined> {
    const row = await this.#sql.get<{ value: string }>(
      'SELECT value FROM settings WHERE name = ?',
      [name],
    )
    return row && (JSON.parse(row.value) as T)
  }

  async set(name: string, value: unknown): Promise<void> {
    await this.#sql.run(
      `INSERT INTO settings (name, value) VALUES (?, ?)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      [name, JSON.stringify(value)],
    )
  }
}
