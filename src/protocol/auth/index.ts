/** Proofs of who calls: session tokens of a PDS, service auth between services, HTTP's own header. */
export {
  type Authorization,
  equalText,
  isBasic,
  parseAuthorization,
  requireBearer,
} from './authorization.ts'
export {
  clockLeewaySeconds,
  type ServiceAuthChecks,
  type ServiceAuthClaims,
  type SignServiceAuth,
  signServiceAuth,
  verifyServiceAuth,
} from './service-auth.ts'
export {
  type SessionChecks,
  type SessionClaims,
  type SessionScope,
  signSession,
  verifySession,
} from './session.ts'
