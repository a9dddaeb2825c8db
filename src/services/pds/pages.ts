/** The table of every page this host serves itself. Each stands in a file named by its path. */
import { accountPage, signOutPage } from './pages/account/account.ts'
import { appPasswordsPage } from './pages/account/app-passwords.ts'
import { appsPage } from './pages/account/apps.ts'
import { confirmPage } from './pages/account/confirm.ts'
import { devicesPage } from './pages/account/devices.ts'
import { emailPage } from './pages/account/email.ts'
import { exportEverythingPage, exportPage, exportRepoPage } from './pages/account/export.ts'
import { forgottenPage } from './pages/account/forgotten.ts'
import { handlePage } from './pages/account/handle.ts'
import { identityAlarmsPage } from './pages/account/identity-alarms.ts'
import { leavingPage } from './pages/account/leaving.ts'
import { passwordPage } from './pages/account/password.ts'
import { recoveryKeyPage } from './pages/account/recovery-key.ts'
import { rescuePage, rescueReceiptPage } from './pages/account/rescue.ts'
import { secondFactorsPage } from './pages/account/second-factors.ts'
import { secondStepPage } from './pages/account/second-step.ts'
import { sessionsPage } from './pages/account/sessions.ts'
import { passkeySignInPage, signInPage } from './pages/account/sign-in.ts'
import { vaultsPage } from './pages/account/vaults.ts'
import { frontPage } from './pages/front.ts'
import type { Page } from './pages/index.ts'
import { lostHostPage } from './pages/moves/lost-host.ts'
import { moveDocumentPage, movePage, moveReceiptPage } from './pages/moves/move.ts'
import { moveHerePage } from './pages/moves/move-here.ts'
import { authorizePage } from './pages/oauth/authorize.ts'
import type { Pds } from './parts.ts'

const table = [
  authorizePage,
  accountPage,
  appPasswordsPage,
  appsPage,
  confirmPage,
  devicesPage,
  emailPage,
  exportEverythingPage,
  exportPage,
  exportRepoPage,
  forgottenPage,
  frontPage,
  handlePage,
  identityAlarmsPage,
  leavingPage,
  lostHostPage,
  moveDocumentPage,
  moveHerePage,
  movePage,
  moveReceiptPage,
  passkeySignInPage,
  passwordPage,
  recoveryKeyPage,
  rescuePage,
  rescueReceiptPage,
  secondFactorsPage,
  secondStepPage,
  sessionsPage,
  signInPage,
  signOutPage,
  vaultsPage,
]

export const pages = (pds: Pds): Page[] => table.map((page) => page(pds))
