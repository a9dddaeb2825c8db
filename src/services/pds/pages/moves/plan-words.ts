/** What a plan says of sizes, limits and doubts, and a receipt of what is not in the repository. */
import type { MoveOutlook, PrivatePartCopied } from '#protocol/account'
import { count } from '../account/frame.ts'
import { type Html, html, type Visit } from '../index.ts'
import { bytesText, durationText } from './amounts.ts'

type Outcomes = Record<PrivatePartCopied['outcome'], (n: string) => string>

const planWords = {
  ar: {
    about: 'نحو',
    cautions: 'قد يعترض الطريق',
    caution: {
      'blobs-unreachable': 'لم يُعطنا مضيفك كل صورة طلبناها للتجربة. ما لا يعطيه يذكره الإيصال.',
      'over-quota': 'صورك ومقاطعك أكثر مما يتسع له حساب هنا:',
      'blob-too-large': 'من ملفاتك ما هو أكبر مما يقبله هذا المضيف:',
      'slow-by-rate': 'يحدّ مضيفك عدد الطلبات، فيطول الأمر:',
    } as Record<string, string>,
    calls: 'طلبًا كل',
    feeds: 'خلاصاتك تبقى حيث تُقدَّم',
    labeler: 'ويبقى حسابك واسِمًا',
    labelerText: 'خدمته حيث تسمّيها هويتك.',
  },
  en: {
    about: 'about',
    cautions: 'What may get in the way',
    caution: {
      'blobs-unreachable':
        'Your host did not give us every picture we tried. What it does not give, the receipt names.',
      'over-quota': 'Your pictures and videos are more than an account may keep here:',
      'blob-too-large': 'Some file of yours is larger than this host takes:',
      'slow-by-rate': 'Your host limits how often it is asked, so it takes longer:',
    } as Record<string, string>,
    calls: 'calls in',
    feeds: 'Your feeds stay where they are served',
    labeler: 'Your account stays a labeler',
    labelerText: 'Its service is where your identity names it.',
  },
}

/** About how much is copied, beside the counts. */
export const sizeText = (visit: Visit, { bytes }: MoveOutlook): string =>
  bytes === undefined ? '' : ` · ${visit.words(planWords).about} ${bytesText(visit, bytes)}`

/** What stays elsewhere, and what may go wrong: further lines of the plan. */
export function planExtras(
  visit: Visit,
  { feeds = [], isLabeler, cautions = [], quota, rate }: MoveOutlook,
  item: (title: string, text: Html | string) => Html,
): Html {
  const w = visit.words(planWords)
  const limits: Record<string, string | undefined> = {
    'over-quota': quota && bytesText(visit, quota.accountBlobBytes),
    'blob-too-large': quota && bytesText(visit, quota.blobBytes),
    'slow-by-rate':
      rate && `${count(visit, rate.limit)} ${w.calls} ${durationText(visit, rate.windowSeconds)}`,
  }
  const names = feeds.map((one, i) => html`${i > 0 && ' · '}<bdi>${one}</bdi>`)
  return html`${feeds.length > 0 && item(w.feeds, html`${names}`)}
${isLabeler && item(w.labeler, w.labelerText)}
${cautions.length > 0 && item(w.cautions, html`${cautions.map((one) => html`<span class="lead">${w.caution[one] ?? one}${limits[one] && html` ${limits[one]}.`}</span>`)}`)}`
}

const receiptWords = {
  ar: {
    brought: 'جُلب من المضيف القديم',
    same: 'كل صورة يعرفها المضيف القديم موجودة هنا',
    private: 'ما لا يراه غيرك',
    parts: {
      preferences: 'التفضيلات',
      'app-passwords': 'كلمات مرور التطبيقات',
      appview: 'الكتم والمحفوظات والمسودات والتنبيهات',
    } as Record<string, string>,
    outcomes: {
      carried: (n) => `جاءت: ${n}`,
      named: (n) => `تُنشأ من جديد: ${n}`,
      silent: () => 'لا يقول المضيف القديم عنها شيئًا، فلم تأتِ',
      kept: () => 'تغيّرت هنا وهناك، فبقي ما هنا',
      shared: () => 'هي حيث كانت، ولم يلزم نقلها',
    } as Outcomes,
  },
  en: {
    brought: 'Fetched from the old host',
    same: 'Every picture that the old host lists is here',
    private: 'What only you can see',
    parts: {
      preferences: 'Preferences',
      'app-passwords': 'App passwords',
      appview: 'Mutes, bookmarks, drafts and notifications',
    } as Record<string, string>,
    outcomes: {
      carried: (n) => `came along: ${n}`,
      named: (n) => `to be made again: ${n}`,
      silent: () => 'the old host does not say, so they did not come',
      kept: () => 'changed here and there: what is here stays',
      shared: () => 'where they were: they need not move',
    } as Outcomes,
  },
}

/** Facts of a receipt beside its counts. */
export function broughtFacts(
  visit: Visit,
  { bytes, sameBlobs, blobs }: { bytes?: number | undefined; sameBlobs: boolean; blobs: number },
): Html {
  const w = visit.words(receiptWords)
  return html`${bytes !== undefined && html`<dt>${w.brought}</dt><dd>${bytesText(visit, bytes)}</dd>`}
${sameBlobs && blobs > 0 && html`<dt>${w.same}</dt><dd>✓</dd>`}`
}

/** What became of what is not in the repository. */
export function privateFacts(visit: Visit, parts: readonly PrivatePartCopied[]): Html | false {
  const w = visit.words(receiptWords)
  const said = ({ outcome, count: n, names = [] }: PrivatePartCopied) =>
    html`${w.outcomes[outcome](count(visit, n))}${names.length > 0 && html` (${names.map((one, i) => html`${i > 0 && ' · '}<bdi>${one}</bdi>`)})`}`
  return (
    parts.length > 0 &&
    html`<h3>${w.private}</h3><dl class="facts">${parts.map((one) => html`<dt>${w.parts[one.part] ?? one.part}</dt><dd>${said(one)}</dd>`)}</dl>`
  )
}
