import { followAccount as schema } from '#protocol/account'
import { identityOf } from '#protocol/identity'
import { parseDid } from '#protocol/syntax'
import { invalidRequest, procedure, XrpcError } from '#protocol/xrpc'
import { ANY_REV, ask, COPY_JOB } from '../ask.ts'
import { requireMine } from '../auth/index.ts'
import type { Vault } from '../parts.ts'

/** Keeps an account from now on, because its owner, or the operator, says so. */
export const follow = ({
  accounts,
  asked,
  callers,
  config,
  directory,
  hosts,
  outside,
  sql,
  views,
}: Pick<
  Vault,
  'accounts' | 'asked' | 'callers' | 'config' | 'directory' | 'hosts' | 'outside' | 'sql' | 'views'
>) =>
  procedure(schema, {
    auth: callers.either,
    async handle({ input, caller }) {
      const text = input.did ?? (caller === 'operator' ? undefined : caller.did)
      if (text === undefined) throw invalidRequest('did is missing')
      const did = parseDid(text)
      requireMine(caller, did)
      const known = await accounts.get(did)
      const isKept = known !== undefined && known.state !== 'erased'
      if (!isKept && caller !== 'operator' && !config.openVault)
        throw new XrpcError(403, 'NotOpen', 'This vault keeps accounts of its own hosts only')
      const document = await directory.document(did, { fresh: true })
      const host = document && identityOf(document).pds
      if (host === undefined)
        throw new XrpcError(400, 'UnknownIdentity', 'The account has no host that is known')
      await hosts.add(host)
      const account = await accounts.add(did, host, { granted: true })
      if (account === undefined) throw new XrpcError(503, 'NoRoom', 'There is no room for more')
      if (account.state !== 'kept') {
        await ask(sql, COPY_JOB, [`${did} ${ANY_REV}`], outside.now())
        asked()
      }
      return views.account(account)
    },
  })
