import { PRIVATE_ITEMS_MAX, type PrivateState } from '#protocol/account'
import type { Account } from '../accounts/index.ts'
import type { Preferences } from '../preferences/index.ts'
import type { ServiceProxy } from '../proxy/index.ts'
import type { Passwords } from '../sign-in/index.ts'

const EXPORT = 'app.falaj.appview.exportPrivate'
const PAGE = 500

export interface TakeParts {
  passwords: Pick<Passwords, 'listAppPasswords'>
  preferences: Pick<Preferences, 'read'>
  proxy: Pick<ServiceProxy, 'inNameOf'>
  publicUrl: string
  now: () => number
}

/** What the owner of an account may read that is not in its repository; the app view is asked in its name. */
export async function takePrivate(
  { passwords, preferences, proxy, publicUrl, now }: TakeParts,
  account: Account,
): Promise<PrivateState> {
  const appview = await fromAppview(proxy, account)
  return {
    did: account.did,
    host: publicUrl,
    takenAt: new Date(now()).toISOString(),
    preferences: preferences.read(account, { full: true }),
    appPasswords: await passwords.listAppPasswords(account.did),
    ...(appview && { appview }),
  }
}

async function fromAppview(
  proxy: TakeParts['proxy'],
  account: Account,
): Promise<PrivateState['appview']> {
  const items: unknown[] = []
  let page: Page | undefined
  do {
    const params = { limit: PAGE, ...(page?.cursor && { cursor: page.cursor }) }
    page = (await proxy.inNameOf(account, EXPORT, params)) as Page | undefined
    if (!page || !Array.isArray(page.items)) return undefined
    items.push(...page.items)
  } while (page.cursor !== undefined && items.length < PRIVATE_ITEMS_MAX)
  return { did: page.did, items }
}

type Page = NonNullable<PrivateState['appview']> & { cursor?: string }
