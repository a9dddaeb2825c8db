/**
 * Proofs of who calls: session tokens of a PDS, service auth between services, HTTP's own header,
 * and what OAuth adds: apps and their keys, proofs of possession, permissions.
 */
export {
  type Authorization,
  equalText,
  isBasic,
  parseAuthorization,
  requireBearer,
} from './authorization.ts'
export { assertionType, type ClientAssertion, verifyClientAssertion } from './client-assertion.ts'
export {
  ClientError,
  type ClientMetadata,
  isLoopbackClientId,
  keysOf,
  loopbackClient,
  matchRedirectUri,
  parseClientMetadata,
  requireClientId,
} from './client-metadata.ts'
export { createDpopReader, type DpopChecks, DpopError, type DpopProof } from './dpop.ts'
export { type Jwk, parseJwk } from './jwk.ts'
export { type PermissionSet, parsePermissionSet, scopesOfSet } from './permission-set.ts'
export {
  isKnownScope,
  isTransitional,
  type Permission,
  Permissions,
  parsePermission,
  type RepoAction,
  type TransitionalScope,
} from './permissions.ts'
export { parseScopeParts, type ScopeParts } from './scope-syntax.ts'
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
