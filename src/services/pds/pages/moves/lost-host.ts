import { isPlcDid, type PlcLogState, UpstreamError } from '#protocol/identity'
import type { Pds } from '../../parts.ts'
import { signUpRates } from '../../rates.ts'
import { count, when } from '../account/frame.ts'
import { OWN_UNDO_SCRIPT } from '../account/own-undo.ts'
import {
  type FormVisit,
  type Html,
  html,
  latin,
  type Page,
  type View,
  type Visit,
} from '../index.ts'
import { type ForkParts, forksPart, forkView, LOST_HOST_PATH, submitFork } from './fork.ts'

type Parts = ForkParts & Pick<Pds, 'host'>

const words = {
  ar: {
    title: 'مضيفك لا يجيب، أو أُخذ اسمك',
    lead: 'إن كان لاسمك مفتاح تحتفظ به أنت، فهو فوق مفتاح أي مضيف: به تعود، أجاب مضيفك أو لم يجب. ننظر أولًا كيف حال هويتك، ولا يتغير شيء.',
    name: 'اسم حسابك أو هويته (did:plc:…)',
    hint: 'إن لم يُعرف الاسم بعد مضيفه فأدخل الهوية: هي على ورقتك.',
    look: 'انظر',
    unknown: 'لا يعرف سجل الهويات هذا. إن غاب مضيف الاسم فأدخل الهوية نفسها.',
    web: 'هذه هوية نطاق: تعيدها أنت بتغيير وثيقتها عند نطاقك.',
    away: 'لا يجيب سجل الهويات الآن. حاول بعد قليل.',
    state: 'كما هي الآن',
    host: 'المضيف',
    none: 'لا مضيف',
    handle: 'الاسم',
    keys: 'المفاتيح التي تملكها',
    changed: 'آخر تغيير',
    calm: 'لم تتغير في آخر ٧٢ ساعة: لا شيء يُبطَل، ولكن مفتاحك ينقل الحساب متى شئت.',
    here: 'حسابك عند هذا المضيف؟',
    hereGo: 'تراجع عن التغيير بكلمات ورقتك، في متصفحك',
    elsewhere: 'المضيف غائب، أو لا تثق به',
    elsewhereText:
      'يوقّع جهازك بكلمات ورقتك ولا يرسلها، ويُنشأ حسابك هنا من آخر نسخة أخذتها، ثم تعود إليه هويتك. زد ‎--check لترى أولًا ما سيحدث:',
  },
  en: {
    title: 'Your host does not answer, or your name was taken',
    lead: 'If you hold a key to your name, it ranks above any host’s: it brings you back whether your host answers or not. First we look how your identity stands; nothing changes.',
    name: 'Your handle, or its identity (did:plc:…)',
    hint: 'Where the handle is gone with its host, give the identity: it is on your sheet.',
    look: 'Look',
    unknown:
      'The directory does not know it. Where the handle’s host is gone, give the identity itself.',
    web: 'This identity is a domain: you bring it back by changing its document at your domain.',
    away: 'The directory of identities does not answer just now. Try again in a while.',
    state: 'How it stands',
    host: 'Host',
    none: 'no host',
    handle: 'Handle',
    keys: 'Keys that own it',
    changed: 'Last change',
    calm: 'It has not changed within the last 72 hours: nothing can be taken back, but your key moves the account at any time.',
    here: 'Your account is at this host?',
    hereGo: 'Undo the change with the words of your sheet, in your browser',
    elsewhere: 'The host is gone, or you do not trust it',
    elsewhereText:
      'Your machine signs with the words of your sheet and does not send them; your account is made here from the last copy you took, and your identity turns to it. Add --check to see first what will happen:',
  },
}

const PATH = LOST_HOST_PATH
const NAME_MAX = 300

/** For who holds a key of their own: how the identity stands, what can be undone until when, and how. */
export const lostHostPage = (pds: Parts): Page => ({
  path: PATH,
  get: (visit) => show(pds, visit, {}),
  async post(visit: FormVisit) {
    await visit.limit(signUpRates, {})
    const { form } = visit
    const name = form.text('name', NAME_MAX)
    try {
      const did = await pds.otherHosts.didOf(name)
      if (did && !isPlcDid(did)) return show(pds, visit, { name, problem: 'web' })
      const log = did && (await pds.otherHosts.logOf(did))
      if (!log) return show(pds, visit, { name, problem: 'unknown' })
      if (!form.has('undo')) return show(pds, visit, { name, log })
      const undo = form.text('undo', 100)
      if (!form.has('sig')) return forkView(visit, { log, cid: undo, nowMs: pds.now() })
      return await submitFork(pds, visit, { log, cid: undo, sig: form.raw('sig', 10_000) })
    } catch (error) {
      if (error instanceof UpstreamError) return show(pds, visit, { name, problem: 'away' })
      throw error
    }
  },
})

interface Shown {
  name?: string
  problem?: 'away' | 'unknown' | 'web'
  log?: PlcLogState
}

function show(pds: Parts, visit: Visit, { name = '', problem, log }: Shown): View {
  const w = visit.words(words)
  return {
    title: w.title,
    status: problem ? 400 : 200,
    ...(log && { scripts: [OWN_UNDO_SCRIPT] }),
    body: html`<h1>${w.title}</h1>
${problem ? html`<p class="notice" data-tone="bad" role="alert">${w[problem]}</p>` : html`<p class="lead">${w.lead}</p>`}
<form method="post" action="${PATH}" class="form">${visit.token}
<div class="field"><label for="name">${w.name}</label>
<input class="input" id="name" name="name" value="${name}" dir="ltr" autocapitalize="none" spellcheck="false" required maxlength="${NAME_MAX}" aria-describedby="name-hint"><p class="hint" id="name-hint">${w.hint}</p></div>
<button class="button wide-button">${w.look}</button></form>
${log && standing(pds, visit, log)}`,
  }
}

function standing({ host, now }: Parts, visit: Visit, log: PlcLogState): Html {
  const w = visit.words(words)
  const { did, data, createdAt } = log
  const handle = data?.alsoKnownAs.find((one) => one.startsWith('at://'))?.slice('at://'.length)
  return html`<section role="status"><h2>${w.state}</h2>
<dl class="facts"><dt>${w.handle}</dt><dd>${handle ? latin(`@${handle}`) : '–'}</dd>
<dt>${w.host}</dt><dd>${data?.services.atproto_pds ? latin(data.services.atproto_pds.endpoint) : w.none}</dd>
<dt>${w.keys}</dt><dd>${count(visit, data?.rotationKeys.length ?? 0)}</dd>
<dt>${w.changed}</dt><dd>${when(visit, Date.parse(createdAt))}</dd></dl>
</section>
${forksPart(visit, { log, nowMs: now(), path: PATH }) ?? html`<p>${w.calm}</p>`}
<section><h2>${w.here}</h2><p><a href="/account/identity-alarms">${w.hereGo}</a></p></section>
<section><h2>${w.elsewhere}</h2><p>${w.elsewhereText}</p>
<code class="secret plain-text" dir="ltr">falaj identity recover --did ${did} --plc URL --to ${host.publicUrl} --handle NAME --archive FILE.zip</code></section>`
}
