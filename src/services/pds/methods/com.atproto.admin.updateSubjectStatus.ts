import { ComAtprotoAdminUpdateSubjectStatus } from '@atcute/atproto'
import { invalidRequest, procedure } from '#protocol/xrpc'
import { type Account, isHeldBack } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'
import { readAdminSubject } from './admin-subject.ts'
import { endSignIns } from './end-sign-ins.ts'
import { type IdentityParts, requireIdentityHere } from './identity-here.ts'

type Parts = IdentityParts &
  Pick<
    Pds,
    'accounts' | 'callers' | 'devices' | 'sessions' | 'standing' | 'suspensions' | 'takedowns'
  >

/**
 * Takes an account, a record or a blob down, or brings it back; deactivates or activates an account;
 * with neither, tells the network again how an account stands. Errors: NotFound, InvalidRequest.
 */
export const updateSubjectStatus = (pds: Parts) =>
  procedure(ComAtprotoAdminUpdateSubjectStatus.mainSchema, {
    auth: pds.callers.operator('moderate'),
    async handle({ input: { subject, takedown, deactivated } }) {
      if (takedown?.applied && deactivated && !deactivated.applied) {
        throw invalidRequest('Cannot activate and takedown an account at the same time')
      }
      const { account, key, isAccount } = await readAdminSubject(pds, subject)
      if (deactivated && !isAccount) throw invalidRequest('Only an account is deactivated')
      if (takedown?.applied) await takeDown(pds, account, key, isAccount, takedown.ref)
      else if (takedown) await bringBack(pds, account, key, isAccount)
      if (deactivated) await setActive(pds, account, !deactivated.applied)
      if (!takedown && !deactivated && isAccount) await pds.standing.announceAccount(account.did)
      return { subject, takedown }
    },
  })

async function takeDown(
  { devices, sessions, standing, takedowns }: Parts,
  account: Account,
  key: string,
  isAccount: boolean,
  ref: string | undefined,
): Promise<void> {
  const isNew = isAccount && account.status !== 'takendown'
  await takedowns.add(key, { ref, previousStatus: isNew ? account.status : undefined })
  if (!isAccount) return
  await standing.holdBack(account, 'takendown')
  await endSignIns({ devices, sessions }, account.did)
}

/** The standing first: a stop in between leaves a row that is removed the next time. */
async function bringBack(
  { standing, takedowns }: Parts,
  account: Account,
  key: string,
  isAccount: boolean,
): Promise<void> {
  if (isAccount && account.status === 'takendown') {
    await standing.letGo(account, 'takendown', takedowns.get(key)?.previousStatus)
  }
  await takedowns.remove(key)
}

async function setActive(pds: Parts, account: Account, isActive: boolean): Promise<void> {
  if (isHeldBack(account)) {
    if (isActive) throw invalidRequest(`The account is ${heldBackAs(account)}`)
    await pds.suspensions.whenFree(account, 'deactivated')
  }
  if (!isActive) return pds.standing.deactivate(account, undefined)
  await requireIdentityHere(pds, account)
  await pds.standing.activate(account)
}

const heldBackAs = ({ status }: Account) => (status === 'suspended' ? 'suspended' : 'taken down')
