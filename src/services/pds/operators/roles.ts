import type { OperatorRole } from '#protocol/account'

/**
 * What a method asks of an operator. `look`: read about accounts. `moderate`: take down and bring
 * back. `invite`: give codes. `care`: stop invites, write letters. `audit`: read what operators did.
 * `run`: all that decides over accounts and the host itself.
 */
export type Permission = 'look' | 'moderate' | 'invite' | 'care' | 'audit' | 'run'

/** What each role may. A moderation service is a moderator. */
export const PERMISSIONS: Readonly<Record<OperatorRole, readonly Permission[]>> = {
  admin: ['look', 'moderate', 'invite', 'care', 'audit', 'run'],
  moderator: ['look', 'moderate', 'care'],
  support: ['look', 'invite', 'care'],
  viewer: ['look', 'audit'],
}

export const mayDo = (role: OperatorRole, permission: Permission): boolean =>
  PERMISSIONS[role].includes(permission)
