import { base64url, fromBase64url } from '#protocol/crypto'
import type { Account } from '../../accounts/index.ts'
import { type Factor, TOTP_SECRET_BYTES, totpAddress, totpText } from '../../factors/index.ts'
import { type NoticePurpose, tellOwner } from '../../mail/index.ts'
import type { Pds } from '../../parts.ts'
import { codeRates } from '../../rates.ts'
import {
  type FormVisit,
  type Html,
  html,
  latin,
  localPath,
  type Page,
  redirect,
  type Visit,
} from '../index.ts'
import { qrPicture } from '../qr-code.ts'
import { count, day, doneText, framed, type Told } from './frame.ts'
import { PASSKEY_SCRIPT, passkeyForm } from './passkey-form.ts'
import { type Owner, ENROLLING as PATH, requireFresh } from './require-account.ts'

type Parts = Pick<
  Pds,
  'accounts' | 'devices' | 'factors' | 'host' | 'mail' | 'now' | 'passkeys' | 'random' | 'sealer'
>

const words = {
  ar: {
    title: 'خطوة ثانية للدخول',
    lead: 'من عرف كلمة مرورك وحدها لا يدخل، ما دامت هنا خطوة ثانية. مفتاح المرور أسلمها وأيسرها.',
    none: 'لا خطوة ثانية بعد.',
    standIn: 'يطلب هذا المضيف خطوة ثانية، فإلى أن تضيف واحدة نرسل رمزًا إلى بريدك عند كل دخول.',
    held: 'يطلب هذا المضيف من حسابك خطوة ثانية. أضف واحدة هنا، وبعدها يُفتح كل شيء.',
    goOn: 'تابع ما بدأت',
    passkey: 'مفتاح مرور',
    totp: 'تطبيق رموز',
    email: 'رمز بالبريد',
    added: 'أضيف',
    used: 'آخر استعمال',
    remove: 'إزالة',
    addPasskey: 'أضف مفتاح مرور',
    passkeyText:
      'بصمتك أو رمز جهازك أو مفتاح أمان. يفتح حسابك وحده، دون كلمة مرور، ولا يُخدع بموقع مزيّف.',
    passkeyName: 'سمّه لتعرفه',
    makePasskey: 'أضف',
    addTotp: 'أضف تطبيق رموز',
    newTotp: 'انقل إلى تطبيق رموز آخر',
    totpText: 'صوّر المربع بتطبيق الرموز، أو اكتب فيه السر، ثم اكتب هنا أول رمز يعرضه.',
    qr: 'مربع يُصوَّر بتطبيق الرموز',
    secret: 'السر',
    code: 'الرمز الذي يعرضه التطبيق',
    makeTotp: 'أضف',
    addEmail: 'أضف رمزًا بالبريد',
    emailText:
      'نرسل عند كل دخول من جهاز لا تثق به رمزًا إلى بريدك. أضعف من غيره: من دخل بريدك دخل حسابك.',
    emailFirst: 'أكّد بريدك أولًا.',
    makeEmail: 'أضف',
    codes: 'رموز احتياطية',
    codesText: 'لليوم الذي يضيع فيه هاتفك: كل رمز يصلح مرة واحدة.',
    codesLeft: 'بقي منها',
    newCodes: 'اصنع رموزًا جديدة',
    newCodesText: 'لا يصلح القديم منها بعد ذلك.',
    showCodes: 'هذه رموزك الاحتياطية',
    showCodesText: 'تظهر هذه المرة فقط. اطبعها أو اكتبها واحفظها بعيدًا عن هاتفك.',
    kept: 'حفظتها',
    done: { removed: 'أزيلت.', added: 'أضيفت. من الآن تُطلب عند الدخول.' },
    wrongCode: 'لم يصح الرمز. تأكد من ساعة هاتفك واكتب الرمز التالي.',
    wrongKey: 'لم يكتمل مفتاح المرور. افتح الصفحة من جديد وحاول.',
  },
  en: {
    title: 'Second factors',
    lead: 'Who has only your password does not get in while there is a second factor. A passkey is the safest and the easiest.',
    none: 'No second factor yet.',
    standIn:
      'This host asks for a second factor. Until you add one, a code goes to your email at each sign-in.',
    held: 'This host asks for a second factor of your account. Add one here: everything else is open then.',
    goOn: 'Go on with what you began',
    passkey: 'Passkey',
    totp: 'Authenticator app',
    email: 'Code by email',
    added: 'added',
    used: 'last used',
    remove: 'Remove',
    addPasskey: 'Add a passkey',
    passkeyText:
      'Your fingerprint, the lock of your device, or a security key. It opens your account alone, without a password, and no false site can trick it.',
    passkeyName: 'A name to know it by',
    makePasskey: 'Add',
    addTotp: 'Add an authenticator app',
    newTotp: 'Change to another authenticator app',
    totpText:
      'Scan the square with the app, or type the secret there, then type here the first code that it shows.',
    qr: 'A square to scan with an authenticator app',
    secret: 'Secret',
    code: 'The code that the app shows',
    makeTotp: 'Add',
    addEmail: 'Add codes by email',
    emailText:
      'At each sign-in on a device that you do not trust, a code goes to your email. Weaker than the others: who is in your mailbox is in your account.',
    emailFirst: 'Confirm your email first.',
    makeEmail: 'Add',
    codes: 'Recovery codes',
    codesText: 'For the day your phone is gone: each works once.',
    codesLeft: 'Left',
    newCodes: 'Make new codes',
    newCodesText: 'Those of before are good no more then.',
    showCodes: 'These are your recovery codes',
    showCodesText:
      'They are shown this once. Print them or write them down, and keep them away from your phone.',
    kept: 'I have kept them',
    done: { removed: 'Removed.', added: 'Added. It is asked for at sign-in from now on.' },
    wrongCode: 'The code was not right. Look at the clock of your phone and type the next code.',
    wrongKey: 'The passkey was not made. Open the page again and try once more.',
  },
}

/** This page again, with the way back to what it was needed for. */
const here = ({ query }: Visit, more: Record<string, string> = {}): string => {
  const back = localPath(query.get('return') ?? undefined, '')
  const params = new URLSearchParams({ ...more, ...(back && { return: back }) })
  return params.size > 0 ? `${PATH}?${params}` : PATH
}

/** What is asked for beside the password: added, named, taken away. */
export const secondFactorsPage = (pds: Parts): Page => ({
  path: PATH,
  async get(visit) {
    const owner = await requireFresh(pds, visit, { isForEnrolling: true })
    return 'redirect' in owner ? owner : show(pds, visit, owner)
  },
  async post(visit) {
    const owner = await requireFresh(pds, visit, { isForEnrolling: true })
    if ('redirect' in owner) return owner
    return change(pds, visit, owner)
  },
})

async function change(pds: Parts, visit: FormVisit, owner: Owner) {
  const { form } = visit
  const { account } = owner
  const w = visit.words(words)
  await visit.limit(codeRates, {})
  if (form.has('remove')) {
    const isGone = await pds.factors.remove(account.did, form.text('remove'))
    if (isGone) await tellOwner(pds, account, 'notice-factor-removed', visit.request)
    return redirect(here(visit, { done: 'removed' }))
  }
  if (form.has('codes')) return showCodes(pds, visit, owner)
  if (form.has('email')) {
    await pds.factors.addEmail(account)
    return added(pds, visit, owner)
  }
  if (form.has('answer')) {
    const [answer, kept] = [form.raw('answer', 20_000), form.raw('kept')]
    const key = await pds.passkeys.created(visit.device, account, answer, kept)
    if (!key) return show(pds, visit, owner, { tone: 'bad', text: w.wrongKey })
    await pds.factors.addPasskey(account.did, key, form.text('name', 60) || visit.device.agent)
    return added(pds, visit, owner)
  }
  const secret = openSecret(pds, visit, account, form.text('secret'))
  const isRight = secret && (await pds.factors.addTotp(account, secret, form.text('code', 20)))
  if (!isRight) return show(pds, visit, owner, { tone: 'bad', text: w.wrongCode }, secret)
  return added(pds, visit, owner)
}

/** With the first factor come the codes for the day it is lost. */
async function added(pds: Parts, visit: FormVisit, owner: Owner) {
  const { did } = owner.account
  await tellOwner(pds, owner.account, 'notice-factor-added' satisfies NoticePurpose, visit.request)
  if ((await pds.factors.recoveryCodesLeft(did)) === 0) return showCodes(pds, visit, owner)
  return redirect(here(visit, { done: 'added' }))
}

async function showCodes(pds: Parts, visit: FormVisit, owner: Owner) {
  const w = visit.words(words)
  const codes = await pds.factors.makeRecoveryCodes(owner.account.did)
  return framed(visit, owner, {
    title: w.showCodes,
    lead: w.showCodesText,
    body: html`<div class="codes">${codes.map((code) => html`<span class="secret">${code}</span>`)}</div>
<p><a class="button" href="${here(visit)}">${w.kept}</a></p>`,
  })
}

async function show(
  pds: Parts,
  visit: Visit,
  owner: Owner,
  told?: Told,
  secret: Uint8Array = pds.random(TOTP_SECRET_BYTES),
) {
  const { account } = owner
  const w = visit.words(words)
  const [all, asked, codesLeft, known] = await Promise.all([
    pds.factors.list(account.did),
    pds.factors.asked(account),
    pds.factors.recoveryCodesLeft(account.did),
    pds.factors.passkeys(account.did),
  ])
  const ceremony = pds.passkeys.creation(visit.device, account, known)
  const back = localPath(visit.query.get('return') ?? undefined, '')
  const has = (kind: string) => all.some((one) => one.kind === kind)
  return framed(visit, owner, {
    title: w.title,
    lead: w.lead,
    told: told ?? doneText(visit, w.done),
    scripts: [PASSKEY_SCRIPT],
    body: html`${asked.isMissing && html`<p class="notice" data-tone="warm">${w.held}</p>`}
${back !== '' && !asked.isMissing && html`<p><a class="button" href="${back}">${w.goOn}</a></p>`}
${asked.isStandIn && html`<p class="notice" data-tone="warm">${w.standIn}</p>`}
${all.length === 0 ? html`<p>${w.none}</p>` : factorList(visit, all)}
<section><h2>${w.addPasskey}</h2><p class="hint">${w.passkeyText}</p>
${passkeyForm(visit, ceremony, {
  kind: 'create',
  action: here(visit),
  button: w.makePasskey,
  fields: html`<div class="field"><label for="name">${w.passkeyName}</label><input class="input" id="name" name="name" dir="auto" maxlength="60" value="${visit.device.agent}"></div>`,
})}</section>
<section><details class="more"${told?.tone === 'bad' && html` open`}><summary><strong>${has('totp') ? w.newTotp : w.addTotp}</strong></summary>${totpForm(pds, visit, account, secret)}</details></section>
${
  !has('email') &&
  html`<section><h2>${w.addEmail}</h2><p class="hint">${w.emailText}</p>
${account.emailConfirmedMs === undefined ? html`<p><a href="/account/email">${w.emailFirst}</a></p>` : html`<form method="post" action="${here(visit)}">${visit.token}<button class="button quiet" name="email" value="1">${w.makeEmail}</button></form>`}</section>`
}
${
  all.length > 0 &&
  html`<section><h2>${w.codes}</h2><p class="hint">${w.codesText} ${w.codesLeft}: <strong>${count(visit, codesLeft)}</strong></p>
<form method="post" action="${here(visit)}">${visit.token}<button class="button quiet" name="codes" value="1">${w.newCodes}</button> <span class="hint">${w.newCodesText}</span></form></section>`
}`,
  })
}

function factorList(visit: Visit, all: readonly Factor[]): Html {
  const w = visit.words(words)
  return html`<ul class="rows">${all.map(
    (
      one,
    ) => html`<li><div><strong>${w[one.kind]}${one.name && html`: <bdi>${one.name}</bdi>`}</strong>
<span class="hint">${w.added} ${day(visit, one.createdMs)}${one.usedMs !== undefined && html` · ${w.used} ${day(visit, one.usedMs)}`}</span></div>
<form method="post" action="${here(visit)}">${visit.token}<button class="button quiet small" name="remove" value="${one.id}">${w.remove}</button></form></li>`,
  )}</ul>`
}

function totpForm(pds: Parts, visit: Visit, account: Account, secret: Uint8Array): Html {
  const w = visit.words(words)
  const host = new URL(pds.host.publicUrl).host
  return html`<form method="post" class="form" action="${here(visit)}">${visit.token}
<p class="hint">${w.totpText}</p>
${qrPicture(totpAddress(secret, host, account.handle), w.qr)}
<input type="hidden" name="secret" value="${sealSecret(pds, visit, account, secret)}">
<div class="field"><span class="hint">${w.secret}</span><span class="secret">${latin(totpText(secret).match(/.{4}/g)!.join(' '))}</span></div>
<div class="field"><label for="code">${w.code}</label><input class="input code" id="code" name="code" dir="ltr" inputmode="numeric" autocomplete="one-time-code" required maxlength="10"></div>
<div><button class="button quiet">${w.makeTotp}</button></div></form>`
}

/** The secret goes with the form, sealed for this account in this browser, until a code proves it. */
const purpose = ({ device }: Visit, { did }: Account) => `totp enrolment ${did} ${device.secret}`

const sealSecret = ({ sealer }: Parts, visit: Visit, account: Account, secret: Uint8Array) =>
  base64url(sealer.seal(secret, purpose(visit, account)))

function openSecret({ sealer }: Parts, visit: Visit, account: Account, sealed: string) {
  try {
    return sealer.open(fromBase64url(sealed), purpose(visit, account))
  } catch {
    return undefined
  }
}
