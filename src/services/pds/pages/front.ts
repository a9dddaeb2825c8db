import { MOVE_HERE_PATH } from '../moves/index.ts'
import type { Pds } from '../parts.ts'
import { type Html, html, latin, type Page, webAddress } from './index.ts'

const words = {
  ar: {
    title: 'مضيف حسابات',
    lead: 'تسكن هنا حسابات الناس: أسماؤهم ومنشوراتهم وصورهم. وكل حساب لصاحبه، يأخذه متى شاء.',
    account: 'افتح حسابك',
    here: 'انتقل بحسابك إلى هنا',
    hereText: 'عندك حساب عند مضيف آخر؟ يأتي معك اسمك ومتابعوك وكل ما كتبته، ولك أن تعود.',
    about: 'عن هذا المضيف',
    names: 'الأسماء هنا تنتهي بـ',
    privacy: 'الخصوصية',
    terms: 'الشروط',
    contact: 'راسل الإدارة',
    developers: 'للمطورين: خادم بيانات شخصية على بروتوكول AT.',
  },
  en: {
    title: 'A host of accounts',
    lead: 'People’s accounts live here: their names, posts and pictures. Each is its owner’s, to take along at any time.',
    account: 'Open your account',
    here: 'Move your account here',
    hereText:
      'You have an account at another host? Your handle, followers and everything you wrote come along, and there is a way back.',
    about: 'About this host',
    names: 'Handles here end in',
    privacy: 'Privacy',
    terms: 'Terms',
    contact: 'Write to the operators',
    developers: 'For developers: a Personal Data Server of the AT Protocol.',
  },
}

/** What somebody sees who opens the address of the host itself. */
export const frontPage = ({ host }: Pick<Pds, 'host'>): Page => ({
  path: '/',
  get(visit) {
    const w = visit.words(words)
    const { links, contactEmail, handleDomains, publicUrl } = host
    const link = (address: string | undefined, text: string): Html | false => {
      const safe = webAddress(address)
      return safe !== undefined && html`<a href="${safe}">${text}</a> `
    }
    return {
      title: w.title,
      body: html`<h1>${latin(new URL(publicUrl).host)}</h1>
<p class="lead">${w.lead}</p>
<p><a class="button wide-button" href="/account">${w.account}</a></p>
<section><h2>${w.here}</h2><p>${w.hereText}</p>
<p><a class="button quiet" href="${MOVE_HERE_PATH}">${w.here}</a></p></section>
<section><h2>${w.about}</h2>
<p>${w.names} ${handleDomains.map((domain, i) => html`${i > 0 && ' · '}${latin(domain)}`)}</p>
<p class="quiet-text">${link(links.privacyPolicy, w.privacy)}${link(links.termsOfService, w.terms)}${contactEmail && html`<a href="mailto:${contactEmail}">${w.contact}</a>`}</p>
<p class="quiet-text">${w.developers}</p></section>`,
    }
  },
})
