/** The steps of a sign-in at a page: what was proved so far, and going in. */
import { base64url, fromBase64url, sha256 } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import { type Account, isHeldBack } from '../../accounts/index.ts'
import { tellOwner } from '../../mail/index.ts'
import type { Pds } from '../../parts.ts'
import { localPath, type Redirect, redirect, type Visit } from '../index.ts'

const COOKIE = 'step'
const STEP_S = 600

/** Where a sign-in leads in the end. */
export const returnPath = ({ query }: Visit): string =>
  localPath(query.get('return') ?? undefined, '/account')

/** The same page of the sign-in, with the way back that was asked for. */
export const onward = (page: string, visit: Visit): string =>
  `${page}?${new URLSearchParams({ return: returnPath(visit) })}`

type EnterParts = Pick<Pds, 'devices' | 'mail' | 'signIns'>

/** Signs an account in on this browser, notes how, tells its owner of a new device, and goes on. */
export async function enter(
  pds: EnterParts,
  visit: Visit,
  account: Account,
  { how, trust = false, to }: { how: string; trust?: boolean; to?: string },
): Promise<Redirect> {
  const { did } = account
  const isKnown = await pds.devices.knows(visit.device, did)
  const signIn = { place: 'page', how, outcome: 'ok' } as const
  const { isFirst } = await pds.signIns.note(did, visit.request, signIn)
  visit.device = await pds.devices.signIn(visit.device, did, { trust })
  visit.keep(COOKIE, '', 0)
  if (how.endsWith('recovery')) await tellOwner(pds, account, 'notice-recovery-code', visit.request)
  else if (!isKnown && !isFirst) await tellOwner(pds, account, 'notice-new-device', visit.request)
  return redirect(to ?? returnPath(visit))
}

interface Step {
  did: Did
  /** Of the password that was given: another one since makes it worth nothing. */
  password: string
  untilMs: number
}

const digest = ({ passwordHash }: Account) =>
  base64url(sha256(new TextEncoder().encode(passwordHash)))

const purpose = ({ device }: Visit) => `sign-in step ${device.secret}`

/** Keeps in this browser, sealed for it, that an account's password was given. */
export function keepStep(
  { sealer, now }: Pick<Pds, 'now' | 'sealer'>,
  visit: Visit,
  account: Account,
) {
  const step: Step = {
    did: account.did,
    password: digest(account),
    untilMs: now() + STEP_S * 1000,
  }
  const text = new TextEncoder().encode(JSON.stringify(step))
  visit.keep(COOKIE, base64url(sealer.seal(text, purpose(visit))), STEP_S)
}

/** The account whose password was given in this browser a moment ago. */
export async function keptStep(
  { accounts, sealer, now }: Pick<Pds, 'accounts' | 'now' | 'sealer'>,
  visit: Visit,
): Promise<Account | undefined> {
  try {
    const sealed = fromBase64url(visit.kept(COOKIE) ?? '')
    const step = JSON.parse(new TextDecoder().decode(sealer.open(sealed, purpose(visit)))) as Step
    if (step.untilMs <= now()) return undefined
    const account = await accounts.get(step.did)
    const isSame = account !== undefined && digest(account) === step.password
    return isSame && !isHeldBack(account) ? account : undefined
  } catch {
    return undefined
  }
}
