/** What an account's owner does from outside, in a browser or on the command line: sign in, move. */

export {
  acknowledgeAlarm,
  changeDocument,
  type IdentityAlarm,
  type IdentityUndone,
  listAlarms,
  undoOperation,
} from './alarm-lexicons.ts'
export {
  type ArchiveFile,
  type ArchiveProgress,
  type ArchiveStep,
  type ArchiveToRestore,
  archiveAbout,
  PRIVATE_STATE_FILE,
  type RestoredArchive,
  restoreArchive,
  type TakenArchive,
  takeArchive,
} from './archive.ts'
export {
  ARCHIVE_FORMAT,
  type ArchiveAbout,
  type ArchiveLanguage,
  archiveIndex,
  type IndexedRecord,
} from './archive-index.ts'
export { copyBlob, counted, type Hosts } from './copy.ts'
export {
  addFleetAccounts,
  createFleet,
  decideFleet,
  type FleetAccount,
  type FleetAccountState,
  type FleetAction,
  type FleetMoving,
  type FleetProof,
  type FleetRow,
  type FleetSettings,
  type FleetState,
  type FleetView,
  getFleet,
  letGo,
  listFleetAccounts,
  listFleets,
} from './fleet-lexicons.ts'
export { type HostedHead, readHead } from './head.ts'
export {
  addOrganisationKey,
  checkRecoveryKey,
  getKeyHealth,
  type KeyHealth,
  keepWrappedKey,
  type RotationKeyView,
  registerRecoveryKey,
  removeRecoveryKey,
} from './identity-lexicons.ts'
export { bringLateWrites } from './late-writes.ts'
export {
  type LeaseAnswer,
  type LeaseLook,
  type LeaseRelease,
  type LeaseRenew,
  type LeaseState,
  type LeaseTake,
  lookLeaseMethod,
  releaseLeaseMethod,
  renewLeaseMethod,
  takeLeaseMethod,
} from './lease-lexicons.ts'
export { isLeaseProof, leaseProof, type ProvenFields } from './lease-proof.ts'
export {
  getHealth,
  getLetter,
  type LetterView,
  listLetters,
  resendLetter,
} from './letter-lexicons.ts'
export { confirmPassword, type Forward, freeze, getMyStatus, type MyDecision } from './lexicons.ts'
export { type CloserLook, lookCloser } from './look-closer.ts'
export { type MirrorCopy, mirrorCopy } from './mirror-copy.ts'
export { type MoveDeps, move, planMove } from './move.ts'
export {
  abandonMove,
  confirmMove,
  getMove,
  listMoves,
  type MoveBegun,
  type MoveOutlook,
  type MoveSource,
  type MoveView,
  moveBack,
  pauseMove,
  planMoveHere,
  resumeMove,
  startMove,
} from './move-job-lexicons.ts'
export {
  type LateWrites,
  type MoveProgress,
  type MoveReceipt,
  type MoveState,
  type MoveStep,
  type MoveWarning,
  moveSteps,
  type PrivatePartCopied,
  type Sighting,
  type WriteConflict,
} from './move-state.ts'
export {
  type AuditEntry,
  addOperator,
  listAudit,
  listOperators,
  type OperatorRole,
  type OperatorView,
  revokeOperator,
} from './operator-lexicons.ts'
export { type Obstacle, type Preflight, preflight } from './preflight.ts'
export {
  givePrivateState,
  PRIVATE_ITEMS_MAX,
  type PrivateState,
  takePrivateState,
} from './private-copy.ts'
export { exportPrivate, importPrivate, type PrivateItem } from './private-state-lexicons.ts'
export { getRebuild, type IndexRebuild, rebuildIndex } from './rebuild-lexicons.ts'
export { type Signature, type SignedReceipt, signReceipt, verifyReceipt } from './receipt.ts'
export {
  planRecovery,
  type Recovery,
  type RecoveryDeps,
  type RecoveryPlan,
  type RecoveryProgress,
  type RecoveryReceipt,
  type RecoveryStep,
  recover,
} from './recover.ts'
export { listRefused, type RefusedRecord } from './refused-lexicons.ts'
export {
  type RescueCopy,
  type RescueReceipt,
  type SignedRescue,
  signRescue,
  type Unproven,
  unprovenOf,
} from './rescue-receipt.ts'
export {
  isUnknownMethod,
  type OwnerSession,
  resumeSession,
  type SessionState,
  signIn,
} from './session.ts'
export {
  type StandbyJoined,
  type StandbyPull,
  type StandbyState,
  type StandbyStatus,
  standbyGetAccountFile,
  standbyGetBlob,
  standbyGetDirectory,
  standbyGetStatus,
  standbyJoin,
  standbyPromote,
  standbyPull,
} from './standby-lexicons.ts'
export {
  endSuspension,
  listSuspensions,
  type SuspensionView,
  suspendAccount,
} from './suspension-lexicons.ts'
export {
  hostProof,
  keyProof,
  operatorProof,
  type Restored,
  type RestoreProgress,
  type RestoreStep,
  restore,
  type VaultCopy,
  type VaultProof,
  vaultCopy,
} from './vault-copy.ts'
export {
  exportPrivateState,
  type LetVault,
  letVaultRead,
  listVaults,
  stopVault,
} from './vault-grant-lexicons.ts'
export {
  describeVault,
  followAccount,
  getVaultAccount,
  getVaultBlob,
  getVaultPrivate,
  getVaultRepo,
  listVaultAccounts,
  listVaultBlobs,
  listVaultDrills,
  listVaultInstants,
  noteVaultChange,
  putVaultPrivate,
  unfollowAccount,
  type VaultAccount,
  type VaultDrill,
  type VaultInstant,
} from './vault-lexicons.ts'
