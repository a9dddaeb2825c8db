import { ComAtprotoServerGetServiceAuth } from '@atcute/atproto'
import { signServiceAuth } from '#protocol/auth'
import { base32 } from '#protocol/crypto'
import { query, XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

const MINUTE_S = 60
const HOUR_S = 60 * MINUTE_S

/** A token signed by the account's key for another service. Errors: BadExpiration. */
export const getServiceAuth = ({ callers, now, random }: Pick<Pds, 'callers' | 'now' | 'random'>) =>
  query(ComAtprotoServerGetServiceAuth.mainSchema, {
    auth: callers.account({ deactivated: true, least: 'privilegedAppPassword' }),
    handle({ params: { aud, exp, lxm }, caller: { account } }) {
      const nowS = Math.floor(now() / 1000)
      const expSeconds = exp ?? nowS + MINUTE_S
      if (expSeconds < nowS) throw badExpiration('expiration is in the past')
      if (expSeconds > nowS + HOUR_S) throw badExpiration('at most an hour ahead')
      if (!lxm && expSeconds > nowS + MINUTE_S) {
        throw badExpiration('at most a minute ahead for a token without a method')
      }
      const jti = base32(random(16))
      const { did: iss, signingKey: key } = account
      return { token: signServiceAuth({ iss, aud, lxm, nowMs: now(), expSeconds, jti, key }) }
    },
  })

const badExpiration = (message: string) => new XrpcError(400, 'BadExpiration', message)
