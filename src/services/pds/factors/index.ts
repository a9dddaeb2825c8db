/** Second factors: codes of an app, passkeys, codes by mail, recovery codes. */
export {
  type Asked,
  type Factor,
  type FactorKind,
  type FactorPolicy,
  Factors,
  type PasskeyRow,
} from './factors.ts'
export { type Ceremony, Passkeys } from './passkeys.ts'
export { TOTP_SECRET_BYTES, totpAddress, totpText } from './totp.ts'
