import { XrpcError } from '#protocol/xrpc'
import { tellOwner } from '../../mail/index.ts'
import { requirePassword } from '../../methods/password.ts'
import type { Pds } from '../../parts.ts'
import { html, type Page, redirect, type Visit } from '../index.ts'
import { doneText, framed, type Told } from './frame.ts'
import { type Owner, requireFresh } from './require-account.ts'

type Parts = Pick<
  Pds,
  'accounts' | 'devices' | 'factors' | 'mail' | 'now' | 'passwords' | 'sessions'
>

const words = {
  ar: {
    title: 'كلمة المرور',
    lead: 'ثمانية أحرف على الأقل. خير منها جملة طويلة، أو ما يقترحه حافظ كلمات المرور.',
    fresh: 'كلمة مرور جديدة',
    again: 'مرة أخرى',
    go: 'غيّرها',
    out: 'تخرج من حسابك كل الأجهزة والتطبيقات الأخرى. كلمات مرور التطبيقات تبقى.',
    done: { changed: 'تغيرت كلمة المرور، وخرجت الأجهزة الأخرى.' },
    differ: 'الكلمتان مختلفتان.',
    bad: 'اختر كلمة مرور من ثمانية أحرف إلى مئتين وستة وخمسين.',
  },
  en: {
    title: 'Password',
    lead: 'At least eight characters. A long sentence is better, or what a password manager proposes.',
    fresh: 'New password',
    again: 'Once more',
    go: 'Change it',
    out: 'All other devices and apps are signed out. App passwords stay.',
    done: { changed: 'The password was changed, and the other devices were signed out.' },
    differ: 'The two are different.',
    bad: 'Choose a password of 8 to 256 characters.',
  },
}

const PATH = '/account/password'

/** Another password for the account; everybody else is signed out by it. */
export const passwordPage = (pds: Parts): Page => ({
  path: PATH,
  async get(visit) {
    const owner = await requireFresh(pds, visit)
    return 'redirect' in owner ? owner : show(visit, owner)
  },
  async post(visit) {
    const owner = await requireFresh(pds, visit)
    if ('redirect' in owner) return owner
    const { account } = owner
    const w = visit.words(words)
    const given = visit.form.raw('password')
    if (given !== visit.form.raw('again'))
      return show(visit, owner, { tone: 'bad', text: w.differ })
    try {
      requirePassword(given)
    } catch (error) {
      if (!(error instanceof XrpcError)) throw error
      return show(visit, owner, { tone: 'bad', text: w.bad })
    }
    await pds.accounts.setPassword(account.did, await pds.passwords.hash(given))
    await pds.sessions.revokeAll(account.did)
    await pds.devices.forgetAll(account.did, { but: visit.device })
    visit.device = await pds.devices.confirm(visit.device, account.did)
    await tellOwner(pds, account, 'notice-password', visit.request)
    return redirect(`${PATH}?done=changed`)
  },
})

function show(visit: Visit, owner: Owner, told?: Told) {
  const w = visit.words(words)
  const field = (id: string, label: string) =>
    html`<div class="field"><label for="${id}">${label}</label><input class="input" id="${id}" name="${id}" type="password" dir="auto" autocomplete="new-password" required minlength="8" maxlength="256"></div>`
  return framed(visit, owner, {
    title: w.title,
    lead: w.lead,
    told: told ?? doneText(visit, w.done),
    body: html`<form method="post" class="form" action="${PATH}">${visit.token}
<input type="hidden" name="username" value="${owner.account.handle}" autocomplete="username">
${field('password', w.fresh)}${field('again', w.again)}
<p class="hint">${w.out}</p>
<div><button class="button">${w.go}</button></div></form>`,
  })
}
