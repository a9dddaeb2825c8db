/** Every method this host answers, in NSID order. */
import type { Method, SubscriptionSchema } from '#protocol/xrpc'
import { refused } from './journal/index.ts'
import { getPreferences } from './methods/app.bsky.actor.getPreferences.ts'
import { putPreferences } from './methods/app.bsky.actor.putPreferences.ts'
import { registerPush } from './methods/app.bsky.notification.registerPush.ts'
import { unregisterPush } from './methods/app.bsky.notification.unregisterPush.ts'
import { confirmPassword } from './methods/app.falaj.account.confirmPassword.ts'
import { exportPrivate } from './methods/app.falaj.account.exportPrivate.ts'
import { letVaultRead } from './methods/app.falaj.account.letVaultRead.ts'
import { listVaults } from './methods/app.falaj.account.listVaults.ts'
import { signRescue } from './methods/app.falaj.account.signRescue.ts'
import { stopVault } from './methods/app.falaj.account.stopVault.ts'
import { addOperator } from './methods/app.falaj.admin.addOperator.ts'
import { addOrganisationKey } from './methods/app.falaj.admin.addOrganisationKey.ts'
import { endSuspension } from './methods/app.falaj.admin.endSuspension.ts'
import { getHealth } from './methods/app.falaj.admin.getHealth.ts'
import { getLetter } from './methods/app.falaj.admin.getLetter.ts'
import { letAccountGo } from './methods/app.falaj.admin.letGo.ts'
import { listAudit } from './methods/app.falaj.admin.listAudit.ts'
import { listLetters } from './methods/app.falaj.admin.listLetters.ts'
import { listOperators } from './methods/app.falaj.admin.listOperators.ts'
import { listSuspensions } from './methods/app.falaj.admin.listSuspensions.ts'
import { resendLetter } from './methods/app.falaj.admin.resendLetter.ts'
import { revokeOperator } from './methods/app.falaj.admin.revokeOperator.ts'
import { suspendAccount } from './methods/app.falaj.admin.suspendAccount.ts'
import { fleetAddAccounts } from './methods/app.falaj.fleet.addAccounts.ts'
import { fleetCreate } from './methods/app.falaj.fleet.create.ts'
import { fleetDecide } from './methods/app.falaj.fleet.decide.ts'
import { fleetGet } from './methods/app.falaj.fleet.get.ts'
import { fleetList } from './methods/app.falaj.fleet.list.ts'
import { fleetListAccounts } from './methods/app.falaj.fleet.listAccounts.ts'
import { acknowledgeAlarm } from './methods/app.falaj.identity.acknowledgeAlarm.ts'
import { changeDocument } from './methods/app.falaj.identity.changeDocument.ts'
import { checkRecoveryKey } from './methods/app.falaj.identity.checkRecoveryKey.ts'
import { getKeyHealth } from './methods/app.falaj.identity.getKeyHealth.ts'
import { keepWrappedKey } from './methods/app.falaj.identity.keepWrappedKey.ts'
import { listAlarms } from './methods/app.falaj.identity.listAlarms.ts'
import { registerRecoveryKey } from './methods/app.falaj.identity.registerRecoveryKey.ts'
import { removeRecoveryKey } from './methods/app.falaj.identity.removeRecoveryKey.ts'
import { undoOperation } from './methods/app.falaj.identity.undoOperation.ts'
import { moveAbandon } from './methods/app.falaj.move.abandon.ts'
import { moveConfirm } from './methods/app.falaj.move.confirm.ts'
import { freeze } from './methods/app.falaj.move.freeze.ts'
import { moveGet } from './methods/app.falaj.move.get.ts'
import { moveList } from './methods/app.falaj.move.list.ts'
import { movePause } from './methods/app.falaj.move.pause.ts'
import { movePlan } from './methods/app.falaj.move.plan.ts'
import { moveResume } from './methods/app.falaj.move.resume.ts'
import { moveStart } from './methods/app.falaj.move.start.ts'
import { moveWayBack } from './methods/app.falaj.move.wayBack.ts'
import { standbyGetAccountFileMethod } from './methods/app.falaj.standby.getAccountFile.ts'
import { standbyGetBlobMethod } from './methods/app.falaj.standby.getBlob.ts'
import { standbyGetDirectoryMethod } from './methods/app.falaj.standby.getDirectory.ts'
import { standbyJoinMethod } from './methods/app.falaj.standby.join.ts'
import { standbyPullMethod } from './methods/app.falaj.standby.pull.ts'
import { deleteAccount as adminDeleteAccount } from './methods/com.atproto.admin.deleteAccount.ts'
import { disableAccountInvites } from './methods/com.atproto.admin.disableAccountInvites.ts'
import { disableInviteCodes } from './methods/com.atproto.admin.disableInviteCodes.ts'
import { enableAccountInvites } from './methods/com.atproto.admin.enableAccountInvites.ts'
import { getAccountInfo } from './methods/com.atproto.admin.getAccountInfo.ts'
import { getAccountInfos } from './methods/com.atproto.admin.getAccountInfos.ts'
import { getInviteCodes } from './methods/com.atproto.admin.getInviteCodes.ts'
import { getSubjectStatus } from './methods/com.atproto.admin.getSubjectStatus.ts'
import { searchAccounts } from './methods/com.atproto.admin.searchAccounts.ts'
import { sendEmail } from './methods/com.atproto.admin.sendEmail.ts'
import { updateAccountEmail } from './methods/com.atproto.admin.updateAccountEmail.ts'
import { updateAccountHandle } from './methods/com.atproto.admin.updateAccountHandle.ts'
import { updateAccountPassword } from './methods/com.atproto.admin.updateAccountPassword.ts'
import { updateAccountSigningKey } from './methods/com.atproto.admin.updateAccountSigningKey.ts'
import { updateSubjectStatus } from './methods/com.atproto.admin.updateSubjectStatus.ts'
import { getRecommendedDidCredentials } from './methods/com.atproto.identity.getRecommendedDidCredentials.ts'
import { refreshIdentity } from './methods/com.atproto.identity.refreshIdentity.ts'
import { requestPlcOperationSignature } from './methods/com.atproto.identity.requestPlcOperationSignature.ts'
import { resolveDid } from './methods/com.atproto.identity.resolveDid.ts'
import { resolveHandle } from './methods/com.atproto.identity.resolveHandle.ts'
import { resolveIdentity } from './methods/com.atproto.identity.resolveIdentity.ts'
import { signPlcOperation } from './methods/com.atproto.identity.signPlcOperation.ts'
import { submitPlcOperation } from './methods/com.atproto.identity.submitPlcOperation.ts'
import { updateHandle } from './methods/com.atproto.identity.updateHandle.ts'
import { applyWrites } from './methods/com.atproto.repo.applyWrites.ts'
import { createRecord } from './methods/com.atproto.repo.createRecord.ts'
import { deleteRecord } from './methods/com.atproto.repo.deleteRecord.ts'
import { describeRepo } from './methods/com.atproto.repo.describeRepo.ts'
import { getRecord } from './methods/com.atproto.repo.getRecord.ts'
import { importRepo } from './methods/com.atproto.repo.importRepo.ts'
import { listMissingBlobs } from './methods/com.atproto.repo.listMissingBlobs.ts'
import { listRecords } from './methods/com.atproto.repo.listRecords.ts'
import { putRecord } from './methods/com.atproto.repo.putRecord.ts'
import { uploadBlob } from './methods/com.atproto.repo.uploadBlob.ts'
import { activateAccount } from './methods/com.atproto.server.activateAccount.ts'
import { checkAccountStatus } from './methods/com.atproto.server.checkAccountStatus.ts'
import { confirmEmail } from './methods/com.atproto.server.confirmEmail.ts'
import { createAccount } from './methods/com.atproto.server.createAccount.ts'
import { createAppPassword } from './methods/com.atproto.server.createAppPassword.ts'
import { createInviteCode } from './methods/com.atproto.server.createInviteCode.ts'
import { createInviteCodes } from './methods/com.atproto.server.createInviteCodes.ts'
import { createSession } from './methods/com.atproto.server.createSession.ts'
import { deactivateAccount } from './methods/com.atproto.server.deactivateAccount.ts'
import { deleteAccount } from './methods/com.atproto.server.deleteAccount.ts'
import { deleteSession } from './methods/com.atproto.server.deleteSession.ts'
import { describeServer } from './methods/com.atproto.server.describeServer.ts'
import { getAccountInviteCodes } from './methods/com.atproto.server.getAccountInviteCodes.ts'
import { getServiceAuth } from './methods/com.atproto.server.getServiceAuth.ts'
import { getSession } from './methods/com.atproto.server.getSession.ts'
import { listAppPasswords } from './methods/com.atproto.server.listAppPasswords.ts'
import { refreshSession } from './methods/com.atproto.server.refreshSession.ts'
import { requestAccountDelete } from './methods/com.atproto.server.requestAccountDelete.ts'
import { requestEmailConfirmation } from './methods/com.atproto.server.requestEmailConfirmation.ts'
import { requestEmailUpdate } from './methods/com.atproto.server.requestEmailUpdate.ts'
import { requestPasswordReset } from './methods/com.atproto.server.requestPasswordReset.ts'
import { reserveSigningKey } from './methods/com.atproto.server.reserveSigningKey.ts'
import { resetPassword } from './methods/com.atproto.server.resetPassword.ts'
import { revokeAppPassword } from './methods/com.atproto.server.revokeAppPassword.ts'
import { updateEmail } from './methods/com.atproto.server.updateEmail.ts'
import { getBlob } from './methods/com.atproto.sync.getBlob.ts'
import { getBlocks } from './methods/com.atproto.sync.getBlocks.ts'
import { getCheckout } from './methods/com.atproto.sync.getCheckout.ts'
import { getHead } from './methods/com.atproto.sync.getHead.ts'
import { getLatestCommit } from './methods/com.atproto.sync.getLatestCommit.ts'
import { getRecordProof } from './methods/com.atproto.sync.getRecord.ts'
import { getRepo } from './methods/com.atproto.sync.getRepo.ts'
import { getRepoStatus } from './methods/com.atproto.sync.getRepoStatus.ts'
import { listBlobs } from './methods/com.atproto.sync.listBlobs.ts'
import { listRepos } from './methods/com.atproto.sync.listRepos.ts'
import { subscribeRepos } from './methods/com.atproto.sync.subscribeRepos.ts'
import { addReservedHandle } from './methods/com.atproto.temp.addReservedHandle.ts'
import { checkHandleAvailability } from './methods/com.atproto.temp.checkHandleAvailability.ts'
import { checkSignupQueue } from './methods/com.atproto.temp.checkSignupQueue.ts'
import { revokeAccountCredentials } from './methods/com.atproto.temp.revokeAccountCredentials.ts'
import { orElsewhere } from './methods/record-elsewhere.ts'
import type { Pds } from './parts.ts'
import type { OperatorCaller } from './sign-in/index.ts'

const table = [
  getPreferences,
  putPreferences,
  registerPush,
  unregisterPush,
  confirmPassword,
  exportPrivate,
  letVaultRead,
  listVaults,
  signRescue,
  stopVault,
  getHealth,
  getLetter,
  listLetters,
  resendLetter,
  addOperator,
  listAudit,
  listOperators,
  revokeOperator,
  acknowledgeAlarm,
  changeDocument,
  listAlarms,
  undoOperation,
  checkRecoveryKey,
  getKeyHealth,
  keepWrappedKey,
  registerRecoveryKey,
  removeRecoveryKey,
  addOrganisationKey,
  endSuspension,
  listSuspensions,
  suspendAccount,
  letAccountGo,
  fleetAddAccounts,
  fleetCreate,
  fleetDecide,
  fleetGet,
  fleetList,
  fleetListAccounts,
  moveAbandon,
  moveConfirm,
  freeze,
  moveGet,
  moveList,
  movePause,
  movePlan,
  moveResume,
  moveStart,
  moveWayBack,
  standbyGetAccountFileMethod,
  standbyGetBlobMethod,
  standbyGetDirectoryMethod,
  standbyJoinMethod,
  standbyPullMethod,
  adminDeleteAccount,
  disableAccountInvites,
  disableInviteCodes,
  enableAccountInvites,
  getAccountInfo,
  getAccountInfos,
  getInviteCodes,
  getSubjectStatus,
  sendEmail,
  searchAccounts,
  updateAccountEmail,
  updateAccountHandle,
  updateAccountPassword,
  updateAccountSigningKey,
  updateSubjectStatus,
  getRecommendedDidCredentials,
  refreshIdentity,
  requestPlcOperationSignature,
  resolveDid,
  resolveHandle,
  resolveIdentity,
  signPlcOperation,
  submitPlcOperation,
  updateHandle,
  applyWrites,
  createRecord,
  deleteRecord,
  describeRepo,
  orElsewhere(getRecord),
  importRepo,
  listMissingBlobs,
  listRecords,
  putRecord,
  uploadBlob,
  activateAccount,
  checkAccountStatus,
  confirmEmail,
  createAccount,
  createAppPassword,
  createInviteCode,
  createInviteCodes,
  createSession,
  deactivateAccount,
  deleteAccount,
  deleteSession,
  describeServer,
  getAccountInviteCodes,
  getServiceAuth,
  getSession,
  listAppPasswords,
  refreshSession,
  requestAccountDelete,
  requestEmailConfirmation,
  requestEmailUpdate,
  requestPasswordReset,
  reserveSigningKey,
  resetPassword,
  revokeAppPassword,
  updateEmail,
  getBlob,
  getBlocks,
  getCheckout,
  getHead,
  getLatestCommit,
  getRecordProof,
  getRepo,
  getRepoStatus,
  listBlobs,
  listRepos,
  subscribeRepos,
  addReservedHandle,
  checkHandleAvailability,
  checkSignupQueue,
  revokeAccountCredentials,
]

/** The methods, each answering 503 when storage takes nothing more; what operators do is recorded. */
export const methods = (pds: Pds): Method[] =>
  table.map((method) => refusing(recording(pds, method(pds))))

function recording({ audit }: Pick<Pds, 'audit'>, method: Method): Method {
  if (isStream(method)) return method
  const { nsid } = method
  const handle: CallMethod['handle'] = (call) => {
    const { caller, input, request } = call
    const operator = (caller as Partial<OperatorCaller> | undefined)?.operator
    if (!operator) return method.handle(call)
    // As they came: some read what no lexicon declares.
    const asked = Object.fromEntries(new URLSearchParams(request.query))
    const params = { ...asked, ...(call.params as object) }
    return audit.record({ operator, method: nsid, params, input }, () => method.handle(call))
  }
  return { ...method, handle }
}

function refusing(method: Method): Method {
  if (isStream(method)) return method
  const fail = (error: unknown): never => {
    throw refused(error)
  }
  const handle: CallMethod['handle'] = (call) => {
    try {
      const output = method.handle(call)
      return output instanceof Promise ? output.catch(fail) : output
    } catch (error) {
      return fail(error)
    }
  }
  return { ...method, handle }
}

type StreamMethod = Extract<Method, { schema: SubscriptionSchema }>
type CallMethod = Exclude<Method, StreamMethod>

const isStream = (method: Method): method is StreamMethod =>
  method.schema.type === 'xrpc_subscription'
