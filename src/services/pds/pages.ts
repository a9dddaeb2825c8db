/** The table of every page this host serves itself. Each stands in a file of its own. */

import { accountPage, signOutPage } from './pages/account/account.ts'
import { signInPage } from './pages/account/sign-in.ts'
import type { Page } from './pages/index.ts'
import type { Pds } from './parts.ts'

const table = [accountPage, signInPage, signOutPage]

export const pages = (pds: Pds): Page[] => table.map((page) => page(pds))
