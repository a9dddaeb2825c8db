import type { RescueReceipt, SignedRescue, Unproven } from '#protocol/account'
import type { Pds } from '../../parts.ts'
import { type Html, html, latin, notFound, type Page, type Visit } from '../index.ts'
import { count, framed, when } from './frame.ts'
import { requireAccount } from './require-account.ts'

type Parts = Pick<Pds, 'accounts' | 'devices' | 'factors' | 'rescues'>

interface Words {
  title: string
  none: string
  lead: string
  from: string
  kinds: Record<NonNullable<RescueReceipt['copy']>['kind'] | 'none', string>
  until: string
  records: string
  media: string
  missing: string
  signed: string
  private: string
  parts: Record<string, string>
  outcomes: Record<string, (n: string) => string>
  unproven: string
  unprovenLead: string
  why: Record<Unproven, string>
  save: string
  proof: string
  verify: string
}

const words: Record<'ar' | 'en', Words> = {
  ar: {
    title: 'عاد حسابك من نسخة',
    none: 'لم يعد هذا الحساب من نسخة: كل ما فيه كُتب هنا أو انتقل إليه.',
    lead: 'هذا ما عاد، كما عدّه هذا المضيف ووقّعه بمفتاح حسابك.',
    from: 'النسخة',
    kinds: {
      vault: 'من خزنة',
      mirror: 'من مرآة',
      archive: 'من أرشيف كان عندك',
      file: 'من ملف كان عندك',
      none: 'لا نسخة',
    },
    until: 'كما كان في',
    records: 'السجلات',
    media: 'الصور والملفات',
    missing: 'غائبة',
    signed: 'وُقّع',
    private: 'ما لا يراه غيرك',
    parts: {
      preferences: 'التفضيلات',
      'app-passwords': 'كلمات مرور التطبيقات',
      appview: 'الكتم والمحفوظات والمسودات والتنبيهات',
    },
    outcomes: {
      carried: (n) => `عادت: ${n}`,
      named: (n) => `تُنشأ من جديد: ${n}`,
      silent: () => 'لم تكن في النسخة، أو لا يقبلها أحد هنا',
      kept: () => 'بقيت كما هي هنا',
      shared: () => 'هي حيث كانت',
    },
    unproven: 'ما لا يُثبته أحد',
    unprovenLead: 'التوقيع يثبت ما كان، ولا يثبت ما لم يكن:',
    why: {
      'later-writes': 'أنك لم تكتب شيئًا بعد هذه النسخة. إن كتبتَ فقد ضاع.',
      'no-copy': 'لم تكن هناك نسخة: عاد اسمك ومتابعوك، وما كتبته لم يعد.',
      'copy-as-told': 'من أين النسخة ومتى كانت: هكذا قال برنامجك. السجلات نفسها فُحصت كلها.',
      'missing-blobs': 'صور وملفات تذكرها سجلاتك ولم تكن في النسخة. إن وجدتها فارفعها من جديد.',
      'private-state': 'شيء مما لا يراه غيرك لم يعد، كالتفضيلات أو الكتم أو المسودات.',
    },
    save: 'نزّل الإيصال',
    proof: 'الإيصال كما وُقّع',
    verify: 'يتحقق منه من شاء بالأمر',
  },
  en: {
    title: 'Your account came back from a copy',
    none: 'This account did not come back from a copy: all of it was written here, or moved here.',
    lead: 'This is what came back, as this host counted it and signed it with your account’s key.',
    from: 'Copy',
    kinds: {
      vault: 'from a vault',
      mirror: 'from a mirror',
      archive: 'from an archive of yours',
      file: 'from a file of yours',
      none: 'there was none',
    },
    until: 'As it was',
    records: 'Records',
    media: 'Pictures and files',
    missing: 'missing',
    signed: 'Signed',
    private: 'What only you could read',
    parts: {
      preferences: 'Preferences',
      'app-passwords': 'App passwords',
      appview: 'Mutes, bookmarks, drafts and notification settings',
    },
    outcomes: {
      carried: (n) => `brought back: ${n}`,
      named: (n) => `to be made again: ${n}`,
      silent: () => 'not in the copy, or nobody here takes it',
      kept: () => 'left as it is here',
      shared: () => 'where it was',
    },
    unproven: 'What nobody can prove',
    unprovenLead: 'Signatures prove what was there, not what was not:',
    why: {
      'later-writes': 'That you wrote nothing after this copy. What you wrote since is lost.',
      'no-copy': 'There was no copy: your name and followers are back, what you wrote is not.',
      'copy-as-told':
        'Where the copy came from and of when it was: your program said so. The records themselves were all checked.',
      'missing-blobs':
        'Pictures and files that your records mention and the copy did not have. Upload them again if you find them.',
      'private-state':
        'Something only you could read did not come back, such as preferences, mutes or drafts.',
    },
    save: 'Download the receipt',
    proof: 'The receipt as it was signed',
    verify: 'Anybody can check it with',
  },
}

const PATH = '/account/rescue'

/** How the account came back from a copy, and what nobody can prove about it. */
export const rescuePage = (pds: Parts): Page => ({
  path: PATH,
  async get(visit) {
    const owner = await requireAccount(pds, visit)
    if ('redirect' in owner) return owner
    const w = visit.words(words)
    const receipt = await pds.rescues.of(owner.account.did)
    const body = receipt ? told(visit, receipt) : html`<p>${w.none}</p>`
    return framed(visit, owner, { title: w.title, ...(receipt && { lead: w.lead }), body })
  },
})

/** The signed receipt, to keep. */
export const rescueReceiptPage = (pds: Parts): Page => ({
  path: `${PATH}/receipt.json`,
  async get(visit) {
    const owner = await requireAccount(pds, visit)
    if ('redirect' in owner) return owner
    const receipt = await pds.rescues.of(owner.account.did)
    if (!receipt) throw notFound()
    const headers = {
      'content-type': 'application/json',
      'content-disposition': `attachment; filename="${receipt.handle}-rescue-receipt.json"`,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    }
    return {
      download: { status: 200, headers, body: `${JSON.stringify(receipt, undefined, 2)}\n` },
    }
  },
})

function told(visit: Visit, receipt: SignedRescue): Html {
  const w = visit.words(words)
  const { copy, missingBlobCount, privateParts, unproven } = receipt
  return html`<dl class="facts"><dt>${w.from}</dt><dd>${w.kinds[copy?.kind ?? 'none']}${copy?.source && html` · ${latin(copy.source)}`}</dd>
${copy?.time && html`<dt>${w.until}</dt><dd>${when(visit, Date.parse(copy.time))}</dd>`}
<dt>${w.records}</dt><dd>${count(visit, receipt.records)}</dd>
<dt>${w.media}</dt><dd>${count(visit, receipt.blobs)}${missingBlobCount > 0 && html` · ${w.missing} ${count(visit, missingBlobCount)}`}</dd>
<dt>${w.signed}</dt><dd>${when(visit, receipt.signedMs)}</dd></dl>
${
  privateParts.length > 0 &&
  html`<section><h2>${w.private}</h2><dl class="facts">${privateParts.map(
    (one) =>
      html`<dt>${w.parts[one.part] ?? one.part}</dt><dd>${w.outcomes[one.outcome]?.(count(visit, one.count)) ?? one.outcome}</dd>`,
  )}</dl></section>`
}
<section><h2>${w.unproven}</h2><p>${w.unprovenLead}</p>
<ul>${unproven.map((one) => html`<li>${w.why[one]}</li>`)}</ul></section>
<p><a class="button" href="${PATH}/receipt.json" download>${w.save}</a></p>
<details class="more" id="proof"><summary>${w.proof}</summary><textarea class="input plain-text" dir="ltr" readonly rows="16" spellcheck="false" aria-label="${w.proof}">${JSON.stringify(receipt, undefined, 2)}</textarea></details>
<p class="hint">${w.verify} ${latin('falaj receipt verify')}.</p>`
}
