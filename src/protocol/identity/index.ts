/** Who is who: DID documents, DID and handle resolution, and did:plc. Pure; the way out is handed in. */
export type { DeadlineTimers, Fetch, Net } from './bounded-fetch.ts'
export {
  type CachedDirectory,
  type CachedDirectoryOptions,
  cachedDirectory,
} from './cached-directory.ts'
export { didWebOrigin, isPlcDid } from './did-resolution.ts'
export {
  type Directory,
  INVALID_HANDLE,
  type LookupOptions,
  type NetworkDirectory,
  type NetworkDirectoryOptions,
  networkDirectory,
  verifiedHandle,
} from './directory.ts'
export {
  type DidDocument,
  type DidService,
  type Identity,
  identityOf,
  parseDidDocument,
  type VerificationMethod,
} from './document.ts'
export { type HandleKind, handleKind, LOCAL_HANDLE_HEADER } from './handle-resolution.ts'
export {
  type KeptIdentity,
  type KeptIdentityOptions,
  keptServiceIdentity,
} from './kept-identity.ts'
export { Identities, type KnownIdentity, type Refreshed } from './known-identities.ts'
export { type PlcClient, type PlcClientOptions, plcClient } from './plc-client.ts'
export { PlcDirectories, type PlcUrls } from './plc-directories.ts'
export {
  type PlcData,
  type PlcState,
  plcData,
  plcDocument,
  plcRotationKeys,
  plcState,
} from './plc-document.ts'
export {
  type JudgedPlcOperation,
  PLC_VERDICTS,
  PlcJudge,
  type PlcLogInForce,
  type PlcVerdict,
  parseSequencedPlcEntry,
  type SequencedPlcEntry,
} from './plc-following.ts'
export {
  type AppliedPlcOperation,
  applyPlcOperation,
  PLC_RECOVERY_MS,
  type PlcLogEntry,
  type PlcLogState,
  verifyPlcLog,
} from './plc-log.ts'
export { type PlcCredentials, type PlcMove, planPlcMove } from './plc-move.ts'
export {
  type AnyPlcOperation,
  type PlcLegacyCreate,
  type PlcOperation,
  type PlcService,
  type PlcSigner,
  type PlcTombstone,
  parsePlcOperation,
  plcDid,
  plcOperationCid,
  plcSignerIndex,
  signPlcOperation,
  signPlcOperationBy,
  type UnsignedPlcLegacyCreate,
  type UnsignedPlcOperation,
  type UnsignedPlcTombstone,
} from './plc-operation.ts'
export {
  type PlcReach,
  type PlcTakeover,
  planPlcTakeover,
  planRecoveryKey,
  planWithoutKey,
  plcReach,
} from './plc-recovery.ts'
export { PLC_LIMITS, validatePlcOperation, validatePlcState } from './plc-rules.ts'
export { type PlcChange, type PlcUndo, planPlcUndo, plcChanges } from './plc-undo.ts'
export {
  handoverKey,
  type MendedWord,
  RECOVERY_SECRET_BYTES,
  RECOVERY_SHEET_WORDS,
  type ReadSheet,
  readRecoverySheet,
  recoveryKey,
  recoverySheet,
  type SheetWord,
} from './recovery-key.ts'
export { type KeyProof, proveKey, verifyKeyProof } from './recovery-proof.ts'
export { recoveryWords } from './recovery-words.ts'
export {
  parseWrappedRecoveryKey,
  type Subtle,
  unwrapRecoverySecret,
  type WrappedRecoveryKey,
  wrapRecoverySecret,
} from './recovery-wrap.ts'
export {
  ensureServiceIdentity,
  type ServiceIdentity,
  type ServiceIdentityOptions,
} from './service-identity.ts'
export { type UpstreamCode, UpstreamError } from './upstream-error.ts'
