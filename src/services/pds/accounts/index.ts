/** Accounts of this host: rows, settings, invites, and the projection of their standing. */

export type {
  Account,
  AccountRow,
  AccountStatus,
  ListedAccount,
  NewAccount,
  SyncedFile,
} from './account.ts'
export { isHeldBack, openAccount } from './account.ts'
export { accountSealer } from './account-sealer.ts'
export { Accounts } from './accounts.ts'
export { type InviteCode, type InvitePolicy, Invites, OPERATOR } from './invites.ts'
export { ReservedKeys } from './reserved-keys.ts'
export { Settings } from './settings.ts'
