/** The frame of an account's pages: whose they are, and the menu. */
import { type Html, html, latin, type View, type Visit } from '../index.ts'
import type { Owner } from './require-account.ts'

const words = {
  ar: {
    menu: 'صفحات الحساب',
    '/account': 'نظرة عامة',
    '/account/email': 'البريد',
    '/account/password': 'كلمة المرور',
    '/account/second-factors': 'خطوة ثانية للدخول',
    '/account/handle': 'اسم الحساب',
    '/account/recovery-key': 'مفتاح اسمك',
    '/account/identity-alarms': 'إنذارات الهوية',
    '/account/devices': 'الأجهزة وسجل الدخول',
    '/account/apps': 'التطبيقات المتصلة',
    '/account/sessions': 'جلسات بكلمة المرور',
    '/account/app-passwords': 'كلمات مرور التطبيقات',
    '/account/export': 'خذ كل ما لك',
    '/account/vaults': 'الخزنات',
    '/account/move': 'الانتقال',
    '/account/leaving': 'إيقاف أو حذف',
  },
  en: {
    menu: 'Account pages',
    '/account': 'Overview',
    '/account/email': 'Email',
    '/account/password': 'Password',
    '/account/second-factors': 'Second factors',
    '/account/handle': 'Handle',
    '/account/recovery-key': 'The key to your name',
    '/account/identity-alarms': 'Identity alarms',
    '/account/devices': 'Devices and sign-ins',
    '/account/apps': 'Connected apps',
    '/account/sessions': 'Password sessions',
    '/account/app-passwords': 'App passwords',
    '/account/export': 'Take everything',
    '/account/vaults': 'Vaults',
    '/account/move': 'Moving',
    '/account/leaving': 'Pause or delete',
  },
}

type Item = Exclude<keyof (typeof words)['en'], 'menu'>
const ITEMS = Object.keys(words.en).filter((one) => one !== 'menu') as Item[]

/** What just happened, told once on top of a page. */
export interface Told {
  tone: 'good' | 'bad' | 'warm'
  text: string
}

/** A page of an account. */
export function framed(
  visit: Visit,
  { account }: Owner,
  page: Omit<View, 'menu' | 'title' | 'status'> & {
    title: string
    lead?: string
    told?: Told | undefined
  },
): View {
  const w = visit.words(words)
  const { title, lead, told, body, ...rest } = page
  const isBad = told?.tone === 'bad'
  return {
    ...rest,
    title,
    status: isBad ? 400 : 200,
    menu: html`<nav class="menu" aria-label="${w.menu}"><span class="who">${latin(`@${account.handle}`)}</span><div>
${ITEMS.map((path) => html`<a href="${path}"${path === visit.path && html` aria-current="page"`}>${w[path]}</a>`)}
</div></nav>`,
    body: html`<h1>${title}</h1>
${told && html`<p class="notice" data-tone="${told.tone}" role="${isBad ? 'alert' : 'status'}">${told.text}</p>`}
${lead && html`<p class="lead">${lead}</p>`}
${body}`,
  }
}

/** What a redirect of the same page says was done (`?done=`), if it is one of its own words. */
export function doneText(visit: Visit, done: Readonly<Record<string, string>>): Told | undefined {
  const name = visit.query.get('done')
  return name !== null && Object.hasOwn(done, name)
    ? { tone: 'good', text: done[name]! }
    : undefined
}

/** How numbers and days are written: as in the client. */
export const LOCALES = { ar: 'ar-OM-u-ca-gregory-nu-arab', en: 'en-GB' } as const

/** A day and an hour as the reader's language writes them, in the zone all the world has. */
export function when(visit: Visit, ms: number): Html {
  const time = { hour: '2-digit', minute: '2-digit', hour12: false } as const
  return html`<time datetime="${new Date(ms).toISOString()}">${written(visit, ms, time)} UTC</time>`
}

/** A day. */
export const day = (visit: Visit, ms: number): string => written(visit, ms, {})

function written({ language }: Visit, ms: number, more: Intl.DateTimeFormatOptions): string {
  const day = { year: 'numeric', month: 'long', day: 'numeric' } as const
  const format = new Intl.DateTimeFormat(LOCALES[language], { ...day, ...more, timeZone: 'UTC' })
  return format.format(new Date(ms))
}

/** A count, in the digits of the reader's language. */
export const count = ({ language }: Visit, n: number): string =>
  new Intl.NumberFormat(LOCALES[language]).format(n)
