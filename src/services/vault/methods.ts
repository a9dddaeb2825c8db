/** Every method a vault answers, in NSID order. */
import type { Method } from '#protocol/xrpc'
import { lookLease } from './methods/app.falaj.lease.look.ts'
import { releaseLease } from './methods/app.falaj.lease.release.ts'
import { renewLease } from './methods/app.falaj.lease.renew.ts'
import { takeLease } from './methods/app.falaj.lease.take.ts'
import { describeVault } from './methods/app.falaj.vault.describe.ts'
import { follow } from './methods/app.falaj.vault.follow.ts'
import { getAccount } from './methods/app.falaj.vault.getAccount.ts'
import { getBlob } from './methods/app.falaj.vault.getBlob.ts'
import { getPrivate } from './methods/app.falaj.vault.getPrivate.ts'
import { getRepo } from './methods/app.falaj.vault.getRepo.ts'
import { listAccounts } from './methods/app.falaj.vault.listAccounts.ts'
import { listBlobs } from './methods/app.falaj.vault.listBlobs.ts'
import { listDrills } from './methods/app.falaj.vault.listDrills.ts'
import { listInstants } from './methods/app.falaj.vault.listInstants.ts'
import { noteChange } from './methods/app.falaj.vault.noteChange.ts'
import { putPrivate } from './methods/app.falaj.vault.putPrivate.ts'
import { unfollow } from './methods/app.falaj.vault.unfollow.ts'
import type { LeaseParts, Vault } from './parts.ts'

const leaseTable = [lookLease, releaseLease, renewLease, takeLease]

const table = [
  ...leaseTable,
  ...[describeVault, follow, getAccount, getBlob, getPrivate, getRepo],
  ...[listAccounts, listBlobs, listDrills, listInstants, noteChange, putPrivate, unfollow],
]

export const methods = (parts: Vault): Method[] => table.map((method) => method(parts))

/** What a witness answers that is nothing else. */
export const leaseMethods = (parts: LeaseParts): Method[] =>
  leaseTable.map((method) => method(parts))
