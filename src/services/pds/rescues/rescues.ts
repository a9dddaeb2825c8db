import type { Sql } from '#platform/storage'
import { type RescueReceipt, type SignedRescue, signReceipt, unprovenOf } from '#protocol/account'
import { cidText } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import type { AccountFiles } from '../account-files/index.ts'
import type { Account } from '../accounts/index.ts'
import type { Exports } from '../exports/index.ts'

const NAMED_MAX = 1_000

/** Receipts of rescues: one an account, the newest. */
export class Rescues {
  readonly #sql: Sql
  readonly #exports: Exports
  readonly #files: AccountFiles
  readonly #publicUrl: string
  readonly #now: () => number

  constructor(parts: {
    sql: Sql
    exports: Exports
    files: AccountFiles
    publicUrl: string
    now: () => number
  }) {
    this.#sql = parts.sql
    this.#exports = parts.exports
    this.#files = parts.files
    this.#publicUrl = parts.publicUrl
    this.#now = parts.now
  }

  /** Counts what is here, and signs that, beside what was told of the copy. */
  async sign(
    account: Account,
    { copy, privateParts }: Pick<RescueReceipt, 'copy' | 'privateParts'>,
  ): Promise<SignedRescue> {
    const { did, handle, generation, signingKey } = account
    const { head, records, expectedBlobs, importedBlobs } = await this.#exports.counts(account)
    const missing = this.#files.open(did, generation).blobs.listMissing({ limit: NAMED_MAX })
    // Uploads that nothing mentions are counted too: where all are named, their names count.
    const missingBlobCount =
      missing.length < NAMED_MAX
        ? missing.length
        : Math.max(NAMED_MAX, expectedBlobs - importedBlobs)
    const signedMs = this.#now()
    const receipt = signReceipt(
      {
        ...{ kind: 'rescue' as const, did, handle, to: this.#publicUrl },
        head: { rev: head.rev, commit: cidText(head.commit), data: cidText(head.data) },
        ...{ records, blobs: importedBlobs, missingBlobCount },
        missingBlobs: missing.map(({ cid }) => cidText(cid)),
        ...{ copy, privateParts, signedMs },
        unproven: unprovenOf({ copy, missingBlobCount, privateParts }),
      },
      signingKey,
    )
    await this.#sql.run(
      `INSERT INTO rescue_receipts (did, receipt, signed_ms) VALUES (?, ?, ?)
       ON CONFLICT (did) DO UPDATE SET receipt = excluded.receipt, signed_ms = excluded.signed_ms`,
      [did, JSON.stringify(receipt), signedMs],
    )
    return receipt
  }

  async of(did: Did): Promise<SignedRescue | undefined> {
    const sql = 'SELECT receipt FROM rescue_receipts WHERE did = ?'
    const row = await this.#sql.get<{ receipt: string }>(sql, [did])
    return row && (JSON.parse(row.receipt) as SignedRescue)
  }
}

/** With the account, in its transaction. */
export async function forgetRescue(sql: Sql, did: Did): Promise<void> {
  await sql.run('DELETE FROM rescue_receipts WHERE did = ?', [did])
}
