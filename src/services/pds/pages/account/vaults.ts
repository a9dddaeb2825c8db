import { XrpcError } from '#protocol/xrpc'
import type { Pds } from '../../parts.ts'
import { identityRates } from '../../rates.ts'
import { html, latin, type Page, redirect, type Visit } from '../index.ts'
import { day, doneText, framed, type Told } from './frame.ts'
import { type Owner, requireAccount, requireFresh } from './require-account.ts'

type Parts = Pick<Pds, 'accounts' | 'devices' | 'factors' | 'now' | 'vaultGrants'>

const words = {
  ar: {
    title: 'الخزنات',
    lead: 'الخزنة تحفظ نسخة مختومة من حسابك في مكان آخر، فإن غاب مضيفك عاد حسابك منها. ما كتبته للناس تقرؤه أي خزنة، وما لا يراه غيرك لا تقرؤه إلا بإذنك: التفضيلات، ومن كتمته، ومحفوظاتك، ومسوداتك، وأسماء كلمات مرور التطبيقات.',
    none: 'لم تأذن لخزنة بعد.',
    since: 'بإذنك منذ',
    operator: 'بإذن مشغّل المضيف، لكل من فيه',
    read: 'آخر قراءة',
    never: 'لم تقرأ بعد',
    stop: 'سحب الإذن',
    add: 'ائذن لخزنة',
    address: 'عنوان الخزنة',
    go: 'ائذن لها',
    done: {
      let: 'أذنت لها. تقرأ الآن، وكلما تغيّر شيء.',
      stopped: 'سُحب الإذن. ما عندها يبقى مختومًا حتى تطلب منها محوه.',
    },
    problems: { NoVault: 'لا خزنة تجيب هناك.', TooMany: 'أذنت لخمس، وهذا أكثر ما يكون.' },
  },
  en: {
    title: 'Vaults',
    lead: 'A vault keeps a sealed copy of your account elsewhere: with your host gone, your account comes back from it. What you wrote for everybody any vault can read. What only you can read it reads only if you let it: preferences, mutes, bookmarks, drafts and the names of app passwords.',
    none: 'You have let no vault yet.',
    since: 'let by you, since',
    operator: 'let by the operator of this host, for everybody here',
    read: 'last read',
    never: 'has not read yet',
    stop: 'Take back',
    add: 'Let a vault read',
    address: 'Address of the vault',
    go: 'Let it read',
    done: {
      let: 'Done. It reads now, and whenever something changes.',
      stopped: 'Taken back. What it has stays sealed there until you tell it to erase it.',
    },
    problems: {
      NoVault: 'Nothing was done: no vault answers there.',
      TooMany: 'Five at most, and there are five.',
    },
  },
}

const PATH = '/account/vaults'

/** Vaults that may read what only the owner can: let, seen, taken back. */
export const vaultsPage = (pds: Parts): Page => ({
  path: PATH,
  async get(visit) {
    const owner = await requireAccount(pds, visit)
    return 'redirect' in owner ? owner : show(pds, visit, owner)
  },
  async post(visit) {
    const owner = await requireFresh(pds, visit)
    if ('redirect' in owner) return owner
    const { did } = owner.account
    if (visit.form.has('stop')) {
      await pds.vaultGrants.revoke(did, visit.form.text('stop', 300))
      return redirect(`${PATH}?done=stopped`)
    }
    await visit.limit(identityRates, { caller: { did } })
    try {
      await pds.vaultGrants.grant(did, visit.form.text('vault', 2_048))
      return redirect(`${PATH}?done=let`)
    } catch (error) {
      const { problems } = visit.words(words)
      const name = error instanceof XrpcError ? error.error : ''
      if (name !== 'NoVault' && name !== 'TooMany') throw error
      return show(pds, visit, owner, { tone: 'bad', text: problems[name] })
    }
  },
})

async function show(pds: Parts, visit: Visit, owner: Owner, told?: Told) {
  const w = visit.words(words)
  const all = await pds.vaultGrants.list(owner.account.did)
  return framed(visit, owner, {
    title: w.title,
    lead: w.lead,
    told: told ?? doneText(visit, w.done),
    body: html`${all.length === 0 && html`<p>${w.none}</p>`}
<ul class="rows">${all.map(
      ({ url, did, since, readAt }) => html`<li><div><strong>${latin(new URL(url).host)}</strong>
<span class="hint">${since === undefined ? w.operator : html`${w.since} ${day(visit, Date.parse(since))} · ${readAt === undefined ? w.never : html`${w.read} ${day(visit, Date.parse(readAt))}`}`}</span></div>
${since !== undefined && html`<form method="post" action="${PATH}">${visit.token}<button class="button quiet small" name="stop" value="${did}">${w.stop}</button></form>`}</li>`,
    )}</ul>
<section><h2>${w.add}</h2><form method="post" class="form" action="${PATH}">${visit.token}
<div class="field"><label for="vault">${w.address}</label><input class="input" id="vault" name="vault" dir="ltr" placeholder="vault.example" autocapitalize="none" spellcheck="false" required maxlength="2048"></div>
<div><button class="button">${w.go}</button></div></form></section>`,
  })
}
