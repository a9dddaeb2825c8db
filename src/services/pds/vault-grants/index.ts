/** Vaults that may read what is not in a repository: who lets them, what they read, and telling them of changes. */
export { takePrivate } from './take.ts'
export { forgetGrants, VaultGrants } from './vault-grants.ts'
