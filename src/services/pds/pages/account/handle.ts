import { handleKind } from '#protocol/identity'
import { type Handle, isHandle } from '#protocol/syntax'
import { toXrpcError } from '#protocol/xrpc'
import type { HandleProof, HandleProofs } from '../../handles/index.ts'
import type { Pds } from '../../parts.ts'
import { handleRates } from '../../rates.ts'
import {
  type FormVisit,
  type Html,
  html,
  latin,
  type Page,
  redirect,
  type Visit,
} from '../index.ts'
import { doneText, framed, type Told } from './frame.ts'
import { type Owner, requireFresh } from './require-account.ts'

type Parts = Pick<
  Pds,
  | 'accounts'
  | 'devices'
  | 'directory'
  | 'factors'
  | 'handleProofs'
  | 'handles'
  | 'host'
  | 'now'
  | 'standing'
>

const words = {
  ar: {
    title: 'اسم الحساب',
    lead: 'اسم الحساب عنوان يدل عليك. إن غيّرته بقي متابعوك ومنشوراتك معك.',
    now: 'اسمك الآن',
    here: 'اسم عند هذا المضيف',
    hereText: 'حروف لاتينية وأرقام وشَرطات، من ثلاثة إلى ثمانية عشر.',
    change: 'غيّره',
    own: 'نطاق تملكه',
    ownText: 'اكتب اسم نطاقك، ثم أثبت أنه لك بواحدة من طريقتين:',
    domain: 'النطاق',
    dns: 'سجل في DNS',
    dnsText: 'أضف سجلًا من نوع TXT:',
    name: 'الاسم',
    address: 'العنوان',
    value: 'القيمة',
    web: 'ملف في موقعك',
    webText: 'ضع في هذا العنوان ملفًا فيه هويتك وحدها:',
    check: 'افحص',
    use: 'استعمل هذا الاسم',
    right: 'صحيح',
    other: 'يدل على هوية أخرى',
    none: 'لا شيء هناك بعد',
    silent: 'لم يأت جواب',
    found: 'وُجد',
    wait: 'قد يلزم الانتظار بضع دقائق، وأحيانًا ساعة، حتى يظهر سجل جديد.',
    done: { changed: 'تغير اسمك. قد تمر دقائق حتى تعرفه التطبيقات كلها.' },
    HandleNotAvailable: 'هذا الاسم لغيرك أو محجوز.',
    InvalidHandle: 'لا يصلح هذا الاسم، أو لم يُثبت بعد أنه لك.',
    UnsupportedDomain: 'لا يعطي هذا المضيف أسماء كهذه.',
    otherwise: 'لم يتغير الاسم: لم يُجب دليل الهويات، أو رفض. حاول بعد قليل.',
  },
  en: {
    title: 'Handle',
    lead: 'A handle is an address that leads to you. When it changes, followers and posts stay with you.',
    now: 'Your handle now',
    here: 'A handle of this host',
    hereText: 'Latin letters, digits and dashes, from 3 to 18.',
    change: 'Change it',
    own: 'A domain of your own',
    ownText: 'Type the name of your domain, then prove that it is yours in one of two ways:',
    domain: 'Domain',
    dns: 'A DNS record',
    dnsText: 'Add a record of type TXT:',
    name: 'Name',
    address: 'Address',
    value: 'Value',
    web: 'A file on your site',
    webText: 'Put a file with nothing but your identity at this address:',
    check: 'Check',
    use: 'Use this handle',
    right: 'right',
    other: 'names another identity',
    none: 'nothing there yet',
    silent: 'no answer came',
    found: 'found',
    wait: 'It may take some minutes, now and then an hour, until a new record is seen.',
    done: { changed: 'Your handle was changed. It may take minutes until every app knows.' },
    HandleNotAvailable: 'This handle is somebody else’s, or kept back.',
    InvalidHandle: 'This is no handle, or it is not proved yet that it is yours.',
    UnsupportedDomain: 'This host gives out no such handles.',
    otherwise:
      'The handle has not changed: the directory of identities did not answer, or refused. Try again in a while.',
  },
}

const PATH = '/account/handle'

/** Another handle: of this host, or a domain of one's own, with a check that says what is missing. */
export const handlePage = (pds: Parts): Page => ({
  path: PATH,
  async get(visit) {
    const owner = await requireFresh(pds, visit)
    return 'redirect' in owner ? owner : show(pds, visit, owner)
  },
  async post(visit) {
    const owner = await requireFresh(pds, visit)
    if ('redirect' in owner) return owner
    await visit.limit(handleRates, { caller: owner.account })
    return change(pds, visit, owner)
  },
})

async function change(pds: Parts, visit: FormVisit, owner: Owner) {
  const { form } = visit
  const { account } = owner
  const name = form.text('name', 253).replace(/^@/, '').toLowerCase()
  const wanted = form.has('domain') ? `${name}${form.text('domain', 253)}` : name
  if (form.has('check')) {
    const isPublic = isHandle(wanted) && handleKind(wanted as Handle) === 'public'
    const w = visit.words(words)
    if (!isPublic) return show(pds, visit, owner, { told: { tone: 'bad', text: w.InvalidHandle } })
    const proofs = await pds.handleProofs.read(wanted as Handle, account.did)
    return show(pds, visit, owner, { wanted, proofs })
  }
  try {
    const handle = await pds.handles.requireFor(account.did, wanted)
    await pds.standing.rename(account, handle)
  } catch (thrown) {
    const { error, status } = toXrpcError(thrown)
    if (status === 500 || status === 503) throw thrown
    const w = visit.words(words)
    const known = Object.hasOwn(w, error) ? String(w[error as keyof typeof w]) : w.otherwise
    return show(pds, visit, owner, { wanted, told: { tone: 'bad', text: known } })
  }
  pds.directory.forget(account.did)
  return redirect(`${PATH}?done=changed`)
}

interface Shown {
  wanted?: string
  proofs?: HandleProofs
  told?: Told
}

function show(pds: Parts, visit: Visit, owner: Owner, { wanted, proofs, told }: Shown = {}) {
  const w = visit.words(words)
  const { account } = owner
  const domains = pds.host.handleDomains
  const isProved =
    proofs?.dns.state === 'right' ||
    (proofs?.dns.state !== 'other' && proofs?.web.state === 'right')
  return framed(visit, owner, {
    title: w.title,
    lead: w.lead,
    told: told ?? doneText(visit, w.done),
    body: html`<p>${w.now}: ${latin(`@${account.handle}`)}</p>
<section><h2>${w.here}</h2><form method="post" class="form" action="${PATH}">${visit.token}
<div class="field"><label for="name">${w.hereText}</label><div class="with-end" dir="ltr"><input class="input" id="name" name="name" required maxlength="18" autocapitalize="none" spellcheck="false">
<select class="input" name="domain" aria-label="${w.domain}">${domains.map((one) => html`<option>${one}</option>`)}</select></div></div>
<div><button class="button quiet">${w.change}</button></div></form></section>
<section><h2>${w.own}</h2><p class="hint">${w.ownText}</p>
<form method="post" class="form" action="${PATH}">${visit.token}
<div class="field"><label for="own">${w.domain}</label><input class="input" id="own" name="name" value="${wanted}" dir="ltr" required maxlength="253" autocapitalize="none" spellcheck="false" placeholder="example.com"></div>
${ways(visit, account.did, wanted ?? 'example.com', proofs)}
${proofs && !isProved && html`<p class="hint">${w.wait}</p>`}
<div class="buttons"><button class="button quiet" name="check" value="1">${w.check}</button><button class="button${!isProved && ' quiet'}">${w.use}</button></div></form></section>`,
  })
}

function ways(visit: Visit, did: string, domain: string, proofs: HandleProofs | undefined): Html {
  const w = visit.words(words)
  return html`<h3>${w.dns} ${proofs && verdict(visit, proofs.dns)}</h3><p class="hint">${w.dnsText}</p>
<dl class="facts"><dt>${w.name}</dt><dd>${latin(`_atproto.${domain}`)}</dd><dt>${w.value}</dt><dd>${latin(`did=${did}`)}</dd></dl>
<h3>${w.web} ${proofs && verdict(visit, proofs.web)}</h3><p class="hint">${w.webText}</p>
<dl class="facts"><dt>${w.address}</dt><dd>${latin(`https://${domain}/.well-known/atproto-did`)}</dd><dt>${w.value}</dt><dd>${latin(did)}</dd></dl>`
}

function verdict(visit: Visit, { state, found }: HandleProof): Html {
  const w = visit.words(words)
  const tone = { right: 'good', other: 'bad', none: 'warm', silent: 'bad' }[state]
  return html`<span class="mark" data-tone="${tone}">${w[state]}</span>${state === 'other' && html`<br><span class="hint">${w.found}: ${found.map((one) => html`${latin(one)} `)}</span>`}`
}
