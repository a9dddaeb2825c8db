/** The table of every page this host serves itself. Each stands in a file of its own. */

import { accountPage, signOutPage } from './pages/account/account.ts'
import { signInPage } from './pages/account/sign-in.ts'
import type { Page } from './pages/index.ts'
import { authorizePage } from './pages/oauth/authorize.ts'
import type { Pds } from './parts.ts'

const table = [authorizePage, accountPage, signInPage, signOutPage]

export const pages = (pds: Pds): Page[] => table.map((page) => page(pds))
