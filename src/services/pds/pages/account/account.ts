import type { Pds } from '../../parts.ts'
import { html, latin, type Page, redirect } from '../index.ts'
import { requireAccount } from './require-account.ts'

type Parts = Pick<Pds, 'accounts' | 'devices'>

const words = {
  ar: { title: 'حسابك', out: 'خروج', otherwise: 'الدخول بحساب آخر' },
  en: { title: 'Your account', out: 'Sign out', otherwise: 'Sign in with another account' },
}

/** The account at a glance. */
export const accountPage = (pds: Parts): Page => ({
  path: '/account',
  async get(visit) {
    const found = await requireAccount(pds, visit)
    if ('redirect' in found) return found
    const w = visit.words(words)
    return {
      title: w.title,
      body: html`<h1>${w.title}</h1>
<p class="lead">${latin(`@${found.account.handle}`)}</p>
<form method="post" action="/account/sign-out" class="buttons">${visit.token}
<input type="hidden" name="did" value="${found.account.did}">
<button class="button quiet">${w.out}</button>
<a href="/account/sign-in">${w.otherwise}</a></form>`,
    }
  },
})

/** Signs one account out of this browser. */
export const signOutPage = (pds: Parts): Page => ({
  path: '/account/sign-out',
  async post(visit) {
    const did = visit.form.text('did')
    const one = (await pds.devices.signedIn(visit.device)).find((each) => each.did === did)
    if (one) await pds.devices.signOut(visit.device, one.did)
    return redirect('/account')
  },
})
