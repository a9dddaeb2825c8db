import { ComAtprotoServerGetServiceAuth } from '@atcute/atproto'
import { signServiceAuth } from '#protocol/auth'
import { base32 } from '#protocol/crypto'
import { isDid } from '#protocol/syntax'
import { invalidRequest, query, XrpcError } from '#protocol/xrpc'
import { isHeldBack } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'
import { anyApp, isFull, isPrivileged, requirePrivileged } from '../sign-in/index.ts'

const MINUTE_S = 60
const HOUR_S = 60 * MINUTE_S

/** Methods that change who may enter, or the identity: only here, never in another's hands. */
const PROTECTED =
  /^com\.atproto\.(admin\.|identity\.(?!resolve)|server\.(?!createAccount$|getServiceAuth$|describeServer$))/i

/**
 * A token signed by the account's key for another service. App passwords get none for what they
 * may not do themselves. Errors: BadExpiration, InvalidRequest.
 */
export const getServiceAuth = ({ callers, now, random }: Pick<Pds, 'callers' | 'now' | 'random'>) =>
  query(ComAtprotoServerGetServiceAuth.mainSchema, {
    auth: callers.account({ deactivated: true, takendown: true, app: anyApp }),
    handle({ params: { aud, exp, lxm }, caller }) {
      if (!isAudience(aud)) throw invalidRequest('aud must be a DID, or a DID with a service id')
      // Who was taken down may leave, and nothing else.
      if (isHeldBack(caller.account) || caller.scope === 'com.atproto.takendown') {
        if (lxm !== 'com.atproto.server.createAccount' || !isFull(caller)) {
          throw new XrpcError(400, 'InvalidToken', 'Bad token scope')
        }
      } else if (caller.permissions) caller.permissions.requireRpc(lxm ?? '*', aud)
      else if (lxm && isPrivileged(lxm)) requirePrivileged(caller, lxm)
      if (lxm && PROTECTED.test(lxm)) throw invalidRequest(`Not for other services: ${lxm}`)
      const nowS = Math.floor(now() / 1000)
      const expSeconds = exp ?? nowS + MINUTE_S
      if (expSeconds < nowS) throw badExpiration('expiration is in the past')
      if (expSeconds > nowS + HOUR_S) throw badExpiration('at most an hour ahead')
      if (!lxm && expSeconds > nowS + MINUTE_S) {
        throw badExpiration('at most a minute ahead for a token without a method')
      }
      const jti = base32(random(16))
      const { did: iss, signingKey: key } = caller.account
      return { token: signServiceAuth({ iss, aud, lxm, nowMs: now(), expSeconds, jti, key }) }
    },
  })

function isAudience(aud: string): boolean {
  const [did, id, ...rest] = aud.split('#')
  return isDid(did) && id !== '' && rest.length === 0
}

const badExpiration = (message: string) => new XrpcError(400, 'BadExpiration', message)
