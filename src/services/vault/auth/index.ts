/** Who is calling, and who the vault is. */
export { type Caller, Callers, requireMine } from './callers.ts'
export { loadOwnIdentity, type OwnIdentity } from './own-identity.ts'
