/** Sign-in: password sessions, app passwords, one-time codes, and who is calling. */
export {
  type AccountCaller,
  type AppCaller,
  type AppRule,
  anyApp,
  Callers,
  heldBack,
  isFull,
  type OperatorCaller,
  type Reader,
  type RefreshCaller,
  type ServiceCaller,
} from './callers.ts'
export { type CodePurpose, Codes } from './codes.ts'
export { EndedSessions } from './ended-sessions.ts'
export { findAccount } from './find-account.ts'
export { networkOf, type SignIn, type SignInPlace, SignIns } from './history.ts'
export { type PasswordHashing, Passwords } from './passwords.ts'
export { isPrivileged, requirePrivileged } from './privileged.ts'
export { APP_PURPOSES, type AppPurpose, isAppPurpose, permissionsFor } from './purposes.ts'
export { ACCESS_LIFETIME_S, type OpenSession, Sessions, type Tokens } from './sessions.ts'
