import type { IdentityAlarm, IdentityUndone } from '#protocol/account'
import { UpstreamError } from '#protocol/identity'
import { ProtocolError } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { Pds } from '../../parts.ts'
import { identityRates } from '../../rates.ts'
import { type FormVisit, type Html, html, type Page, redirect, type Visit } from '../index.ts'
import { doneText, framed, type Told, when } from './frame.ts'
import { OWN_UNDO_SCRIPT, ownUndoForm, signatureIn } from './own-undo.ts'
import { type Owner, requireFresh } from './require-account.ts'

type Parts = Pick<Pds, 'accounts' | 'devices' | 'factors' | 'now' | 'recoveryKeys' | 'undoing'>

const words = {
  ar: {
    title: 'إنذارات الهوية',
    lead: 'كل تغيير في هويتك لم يمرّ بمضيفك يظهر هنا. إن لم تكن أنت من غيّرها فتراجع عنه قبل أن ينقضي الوقت.',
    none: 'لا شيء: كل ما تغيّر في هويتك مرّ بمضيفك.',
    changed: 'تغيّر',
    handle: 'الاسم',
    host: 'المضيف',
    signingKey: 'مفتاح التوقيع',
    rotationKeys: 'المفاتيح التي تملك الهوية',
    other: 'أشياء أخرى',
    ended: 'أُنهيت الهوية',
    same: 'لا شيء ظاهر',
    by: 'وقّعه',
    owner: 'مفتاح من مفاتيحك',
    hostKey: 'مفتاح المضيف',
    organisation: 'مفتاح المؤسسة',
    unknown: 'مفتاح لا نعرفه',
    until: 'يمكن التراجع حتى',
    over: 'انقضى وقت التراجع',
    undo: 'لم أفعل هذا: أعد ما كان',
    mine: 'أنا فعلت هذا',
    ownKey: 'لا يكفي مفتاح المضيف: يتراجع عنه مفتاح من مفاتيحك أعلى من الذي وقّعه.',
    prepare: 'لم أفعل هذا: تراجع بمفتاحي',
    cannot:
      'لا مفتاح أعلى من الذي وقّعه، فلا يُتراجع عنه. غيّر ما استطعت من مفاتيحك وراسل إدارة المضيف.',
    away: 'لا يجيب سجل الهويات الآن. حاول بعد قليل.',
    signTitle: 'تراجع بمفتاحك',
    signLead:
      'أدخل كلمات ورقتك فيعود كل شيء كما كان قبل هذا التغيير. يوقّع متصفحك بها ولا يرسلها. يمكن ذلك حتى',
    signature: 'لم يوقّعه مفتاح أعلى، أو تغيّرت هويتك منذ فتحت الصفحة. لم يتغير شيء: ابدأ من جديد.',
    back: 'رجوع',
    states: { open: 'لم تُجب عنه', acknowledged: 'قلت إنك فعلته', undone: 'تُراجع عنه' },
    done: { undone: 'عاد كل شيء كما كان.', acknowledged: 'حسنًا، هذا منك.' },
    failed: 'لم يتم التراجع. لم يتغير شيء بعد؛ حاول مرة أخرى.',
  },
  en: {
    title: 'Identity alarms',
    lead: 'Every change of your identity that did not go through your host shows here. If it was not you, undo it before the time is over.',
    none: 'Nothing: all that changed in your identity went through your host.',
    changed: 'Changed',
    handle: 'the handle',
    host: 'the host',
    signingKey: 'the signing key',
    rotationKeys: 'the keys that own the identity',
    other: 'other things',
    ended: 'the identity was ended',
    same: 'nothing that shows',
    by: 'Signed by',
    owner: 'a key of yours',
    hostKey: 'the key of the host',
    organisation: 'the key of the organisation',
    unknown: 'a key we do not know',
    until: 'Can be undone until',
    over: 'The time to undo it is over',
    undo: 'It was not me: undo it',
    mine: 'It was me',
    ownKey:
      'The key of the host does not suffice: a key of yours that ranks above the signer’s can undo it.',
    prepare: 'It was not me: undo it with my key',
    cannot:
      'No key ranks above the one that signed it, so it cannot be undone. Change what keys you can, and write to the operators of the host.',
    away: 'The directory of identities does not answer just now. Try again in a while.',
    signTitle: 'Undo it with your key',
    signLead:
      'Enter the words of your sheet, and everything stands again as it stood before this change. Your browser signs with them and does not send them. Possible until',
    signature:
      'No key that ranks above signed it, or your identity has changed since you opened the page. Nothing has changed: begin again.',
    back: 'Back',
    states: { open: 'not answered', acknowledged: 'you said it was you', undone: 'undone' },
    done: { undone: 'Everything stands as it stood before.', acknowledged: 'Good: it was you.' },
    failed: 'It was not undone. Nothing has changed yet; try again.',
  },
}

const PATH = '/account/identity-alarms'

/** What somebody else did to the identity, and the way back. */
export const identityAlarmsPage = (pds: Parts): Page => ({
  path: PATH,
  async get(visit) {
    const owner = await requireFresh(pds, visit)
    return 'redirect' in owner ? owner : show(pds, visit, owner)
  },
  async post(visit) {
    const owner = await requireFresh(pds, visit)
    if ('redirect' in owner) return owner
    try {
      return await answer(pds, visit, owner)
    } catch (error) {
      if (!isTold(error)) throw error
      const w = visit.words(words)
      const isUnsigned = error instanceof XrpcError && error.error === 'InvalidSignature'
      return show(pds, visit, owner, { tone: 'bad', text: isUnsigned ? w.signature : w.failed })
    }
  },
})

const isTold = (error: unknown) =>
  error instanceof UpstreamError || error instanceof ProtocolError || error instanceof XrpcError

async function answer(pds: Parts, visit: FormVisit, owner: Owner) {
  const { undoing } = pds
  const { account } = owner
  const { form } = visit
  await visit.limit(identityRates, { caller: account })
  if (form.has('mine')) {
    await undoing.acknowledge(account, form.text('mine', 100))
    return redirect(`${PATH}?done=acknowledged`)
  }
  const cid = form.text('undo', 100)
  const sig = form.has('sig') ? signatureIn(form.raw('sig', 10_000)) : undefined
  const answer = await undoing.undo(account, cid, sig)
  if (answer.state === 'undone') return redirect(`${PATH}?done=undone`)
  return signing(pds, visit, owner, cid, answer)
}

/** What the owner's key has to sign. */
async function signing(
  { recoveryKeys }: Parts,
  visit: FormVisit,
  owner: Owner,
  cid: string,
  { operation, keys = [], until }: IdentityUndone,
) {
  const w = visit.words(words)
  const { did } = owner.account
  const known = await recoveryKeys.health(did)
  const copies = [...known.keys, ...known.lost].filter(({ key }) => keys.includes(key))
  return framed(visit, owner, {
    title: w.signTitle,
    scripts: [OWN_UNDO_SCRIPT],
    body: html`<p>${w.signLead} ${until && when(visit, Date.parse(until))}</p>
${ownUndoForm(visit, { path: PATH, did, cid, keys, operation, copies })}
<p><a class="button quiet" href="${PATH}">${w.back}</a></p>`,
  })
}

async function show({ undoing, now }: Parts, visit: Visit, owner: Owner, told?: Told) {
  const w = visit.words(words)
  const alarms = await undoing.list(owner.account)
  return framed(visit, owner, {
    title: w.title,
    lead: w.lead,
    told: told ?? doneText(visit, w.done),
    body: html`${alarms.length === 0 && html`<p>${w.none}</p>`}
<ul class="rows">${alarms.map((alarm) => row(visit, alarm, now()))}</ul>`,
  })
}

function row(visit: Visit, alarm: IdentityAlarm, nowMs: number): Html {
  const w = visit.words(words)
  const { changes, holder, state, undo, createdAt, undoUntil, cid } = alarm
  const isOpen = state === 'open'
  const untilMs = Date.parse(undoUntil)
  const names = changes.map((change) => w[change])
  const comma = visit.language === 'ar' ? '، ' : ', '
  return html`<li><div><strong>${when(visit, Date.parse(createdAt))}</strong>
<span class="mark" data-tone="${isOpen ? 'warm' : 'good'}">${w.states[state]}</span>
<span class="hint">${w.changed}: ${names.join(comma) || w.same}</span>
${holder && html`<span class="hint">${w.by}: ${holder === 'host' ? w.hostKey : w[holder]}</span>`}
${isOpen && html`<span class="hint">${nowMs > untilMs ? w.over : html`${w.until} ${when(visit, untilMs)}`}</span>`}
${isOpen && undo === 'ownKey' && html`<p>${w.ownKey}</p>`}
${isOpen && undo === 'none' && html`<p>${w.cannot}</p>`}
${undo === 'unknown' && html`<p>${w.away}</p>`}</div>
${
  isOpen &&
  html`<form method="post" action="${PATH}" class="buttons">${visit.token}
${(undo === 'host' || undo === 'ownKey') && html`<button class="button small" name="undo" value="${cid}">${undo === 'host' ? w.undo : w.prepare}</button>`}
<button class="button quiet small" name="mine" value="${cid}">${w.mine}</button></form>`
}</li>`
}
