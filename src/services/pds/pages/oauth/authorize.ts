/** Where an account's owner decides what an app may do. https://atproto.com/specs/oauth#authorization-interface */
import { isLoopbackClientId } from '#protocol/auth'
import { isHeldBack } from '../../accounts/index.ts'
import type { SignedIn } from '../../devices/index.ts'
import { type Client, OAuthError, type PushedRequest } from '../../oauth/index.ts'
import type { Pds } from '../../parts.ts'
import { findAccount } from '../../sign-in/index.ts'
import { ENROLLING } from '../account/require-account.ts'
import {
  type FormVisit,
  html,
  latin,
  type Page,
  type Redirect,
  type Reply,
  redirect,
  type View,
  type Visit,
  webAddress,
} from '../index.ts'
import { type Choice, choicesOf } from './permission-words.ts'

type Parts = Pick<Pds, 'accounts' | 'devices' | 'factors' | 'host' | 'oauth'>

const PATH = '/oauth/authorize'
const ADDRESS_MAX = 2_500

const words = {
  ar: {
    title: 'السماح لتطبيق',
    wants: 'يريد أن يعمل في حسابك',
    local: 'تطبيق على هذا الجهاز، قيد التطوير',
    address: 'عنوانه الكامل',
    unverified: 'نعرف التطبيق بعنوانه وحده: تأكد أنه العنوان الذي جئت منه.',
    account: 'أي حساب؟',
    as: 'الحساب',
    other: 'بحساب آخر',
    may: 'ما تسمح به',
    mayText: 'ارفع العلامة عما لا تريده. ولك أن تنهي كل هذا متى شئت من صفحة حسابك.',
    always: 'أن يعرف أنك صاحب هذا الحساب',
    alwaysText: 'وما هو معلن منه يراه كل أحد.',
    more: 'التفاصيل',
    allow: 'أسمح',
    deny: 'لا أسمح',
    back: 'تعود بعد ذلك إلى',
    policy: 'ما يقوله التطبيق عن خصوصيتك',
    tos: 'شروط استخدامه',
    over: 'انتهى هذا الطلب',
    overText:
      'مضى وقته، أو حُسم من قبل، أو فُتح في متصفح آخر. لم يتغير شيء: ارجع إلى التطبيق وابدأ من جديد.',
    down: 'هذا الحساب موقوف، فلا يُسمح لتطبيق بالعمل فيه.',
  },
  en: {
    title: 'Let an app in',
    wants: 'wants to work in your account',
    local: 'An app on this device, under development',
    address: 'Its full address',
    unverified: 'The app is known by its address alone: see that it is the one you came from.',
    account: 'Which account?',
    as: 'Account',
    other: 'With another account',
    may: 'What you allow',
    mayText: 'Untick what you do not want. You can end all of it at any time on your account page.',
    always: 'Know that this account is yours',
    alwaysText: 'What is public of it anybody can see.',
    more: 'Details',
    allow: 'Allow',
    deny: 'Do not allow',
    back: 'After this you go back to',
    policy: 'What the app says about your privacy',
    tos: 'Its terms of use',
    over: 'This request is over',
    overText:
      'It took too long, was decided before, or was opened in another browser. Nothing has changed: go back to the app and begin again.',
    down: 'This account was taken down: no app can be let into it.',
  },
}

/** A request as it stands in this browser. */
interface Opened {
  request: PushedRequest
  client: Client
  /** Who may decide: signed in here, and the one that the app named, if it named one. */
  accounts: SignedIn[]
}

/** The page that an app sends its people to, and what they decide on it. */
export const authorizePage = (pds: Parts): Page => ({
  path: PATH,
  get: (visit) => guarded(pds, visit, (opened) => show(pds, visit, opened)),
  post: (visit) => guarded(pds, visit, (opened) => decide(pds, visit, opened)),
})

/** Opens the request first. Nobody is sent anywhere by a request that is not one. */
async function guarded(
  pds: Parts,
  visit: Visit,
  goOn: (opened: Opened) => Promise<Reply>,
): Promise<Reply> {
  try {
    const clientId = (visit.query.get('client_id') ?? '').slice(0, ADDRESS_MAX)
    const requestUri = (visit.query.get('request_uri') ?? '').slice(0, ADDRESS_MAX)
    const request = await pds.oauth.requests.open(requestUri, clientId, visit.device.id)
    const client = await pds.oauth.clients.get(clientId)
    const found = await whoDecides(pds, visit, request)
    if ('redirect' in found) return found
    return await goOn({ request, client, ...found })
  } catch (thrown) {
    if (thrown instanceof OAuthError) return over(visit)
    throw thrown
  }
}

/** The accounts that may decide, or the way to sign in. */
async function whoDecides(
  pds: Parts,
  visit: Visit,
  request: PushedRequest,
): Promise<{ accounts: SignedIn[] } | Redirect> {
  const { loginHint, prompt } = request.params
  const hinted = loginHint === undefined ? undefined : await findAccount(pds.accounts, loginHint)
  const signedIn = await pds.devices.signedIn(visit.device)
  const accounts = signedIn.filter(
    ({ did, authenticatedAtMs }) =>
      (hinted === undefined || did === hinted.did) &&
      (prompt !== 'login' || authenticatedAtMs >= request.createdMs),
  )
  if (accounts.length > 0) return { accounts }
  if (prompt === 'none') return answer(pds, request, { error: 'login_required' })
  return redirect(signInPath(visit, loginHint))
}

function signInPath(visit: Visit, hint?: string): string {
  const params = new URLSearchParams({ return: hereOf(visit), ...(hint && { hint }) })
  return `/account/sign-in?${params}`
}

/** This page again, for this request. */
function hereOf({ query }: Visit): string {
  const params = new URLSearchParams()
  for (const name of ['client_id', 'request_uri']) params.set(name, query.get(name) ?? '')
  return `${PATH}?${params}`
}

async function show(pds: Parts, visit: Visit, opened: Opened): Promise<Reply> {
  const { request, accounts } = opened
  if (request.params.prompt === 'none') return silently(pds, opened)
  const [only, ...more] = accounts
  if (only && more.length === 0 && (await isHeld(pds, only))) return toEnrolling(pds, visit, only)
  const sets = await pds.oauth.sets.of(request.params.scope)
  const choices = choicesOf(request.params.scope, sets, visit.language)
  return consentView(pds, visit, { ...opened, accounts, choices })
}

/**
 * Without a page only for an app that can prove itself, and that the same owner let in before with as
 * much: others could be anybody who has its address.
 */
async function silently(pds: Parts, { request, client, accounts }: Opened): Promise<Reply> {
  const [only, ...more] = accounts
  if (!only || more.length > 0) return answer(pds, request, { error: 'login_required' })
  const wanted = request.params.scope.split(' ')
  const apps = await pds.oauth.listAuthorizedApps(only.did)
  const isGranted = apps.some(({ clientId, scope }) => {
    const had = new Set(scope.split(' '))
    return clientId === request.clientId && wanted.every((one) => had.has(one))
  })
  const isShut = (await isDown(pds, only)) || (await isHeld(pds, only))
  if (!client.metadata.isConfidential || !isGranted || isShut)
    return answer(pds, request, { error: 'consent_required' })
  return grant(pds, request, only, request.params.scope)
}

async function isDown({ accounts }: Parts, { did }: SignedIn): Promise<boolean> {
  const account = await accounts.get(did)
  return !account || isHeldBack(account)
}

async function isHeld({ accounts, factors }: Parts, { did }: SignedIn): Promise<boolean> {
  const account = await accounts.get(did)
  return account !== undefined && factors.isHeld(account)
}

/** No app is let in before the factor is set up that the host asks for. */
async function toEnrolling({ devices }: Parts, visit: Visit, { did }: SignedIn) {
  await devices.select(visit.device, did)
  return redirect(`${ENROLLING}?${new URLSearchParams({ return: hereOf(visit) })}`)
}

async function decide(pds: Parts, visit: FormVisit, opened: Opened): Promise<Reply> {
  const { request, accounts } = opened
  const { form } = visit
  if (form.text('decision') !== 'allow') return answer(pds, request, { error: 'access_denied' })
  const chosen = accounts.find(({ did }) => did === form.text('account'))
  // Signed out in the meantime, or never among them.
  if (!chosen) return redirect(hereOf(visit))
  if (await isHeld(pds, chosen)) return toEnrolling(pds, visit, chosen)
  const sets = await pds.oauth.sets.of(request.params.scope)
  const choices = choicesOf(request.params.scope, sets, visit.language)
  if (await isDown(pds, chosen))
    return consentView(pds, visit, { ...opened, choices }, { isDown: true })
  const ticked = new Set(form.all('scope'))
  const scopes = choices.flatMap((choice, i) => (ticked.has(String(i)) ? choice.scopes : []))
  return grant(pds, request, chosen, ['atproto', ...scopes].join(' '))
}

async function grant(
  pds: Parts,
  request: PushedRequest,
  { did }: SignedIn,
  scope: string,
): Promise<Reply> {
  const code = await pds.oauth.requests.grant(request.requestUri, { did, scope })
  if (!code) throw new OAuthError('invalid_request', 'This request was decided already')
  return back(pds, request, { code })
}

/** Sends the browser back to the app with an error; nothing more comes of the request. */
async function answer(
  pds: Parts,
  request: PushedRequest,
  fields: { error: string },
): Promise<Redirect> {
  if (!(await pds.oauth.requests.decline(request.requestUri)))
    throw new OAuthError('invalid_request', 'This request was decided already')
  return back(pds, request, fields)
}

/** To the address that the app declared, and that its request named: there is no other way out. */
function back(
  { host }: Parts,
  { params }: PushedRequest,
  fields: Record<string, string>,
): Redirect {
  const url = new URL(params.redirectUri)
  const said = new URLSearchParams({ iss: host.publicUrl, state: params.state, ...fields })
  if (params.responseMode === 'fragment') url.hash = String(said)
  else for (const [name, value] of said) url.searchParams.set(name, value)
  return redirect(url.href)
}

function over(visit: Visit): View {
  const w = visit.words(words)
  return {
    title: w.over,
    status: 400,
    body: html`<h1>${w.over}</h1><p class="lead">${w.overText}</p>`,
  }
}

function consentView(
  pds: Parts,
  visit: Visit,
  { request, client, accounts, choices }: Opened & { choices: readonly Choice[] },
  { isDown = false } = {},
): View {
  const w = visit.words(words)
  const { params, clientId } = request
  const isLocal = isLoopbackClientId(clientId)
  const name = pds.oauth.isTrusted(clientId) ? client.metadata.name : undefined
  const place = isLocal ? w.local : latin(new URL(clientId).hostname)
  const target = new URL(params.redirectUri)
  const isWeb = target.protocol === 'https:' || target.protocol === 'http:'
  return {
    title: w.title,
    status: isDown ? 400 : 200,
    formTargets: [isWeb ? target.origin : target.protocol],
    body: html`<h1>${name ? html`<bdi>${name}</bdi> · ${place}` : place}</h1>
<p class="lead">${w.wants}</p>
${isDown && html`<div class="notice" data-tone="bad" role="alert">${w.down}</div>`}
<details class="more"><summary>${w.address}</summary><p class="quiet-text">${latin(clientId)}</p>${links(client, w)}</details>
${!name && !isLocal && html`<p class="quiet-text">${w.unverified}</p>`}
<form method="post" class="form" action="${hereOf(visit)}">${visit.token}
${accountField(accounts, w)}
<fieldset class="choices"><legend>${w.may}</legend>
<p class="hint">${w.mayText}</p>
<div class="choice"><span><strong>${w.always}</strong><span class="hint">${w.alwaysText}</span></span></div>
${choices.map((choice, i) => choiceField(choice, i, w))}
</fieldset>
<button class="button wide-button" name="decision" value="allow">${w.allow}</button>
<button class="button quiet wide-button" name="decision" value="deny">${w.deny}</button>
</form>
<p class="quiet-text">${w.back} ${latin(isWeb ? target.host : target.protocol.slice(0, -1))} · <a href="${signInPath(visit)}">${w.other}</a></p>`,
  }
}

const links = ({ metadata }: Client, w: (typeof words)['en']) => {
  const policy = webAddress(metadata.policyUri)
  const tos = webAddress(metadata.tosUri)
  return html`${policy && html`<p class="quiet-text"><a href="${policy}" rel="noreferrer">${w.policy}</a></p>`}${tos && html`<p class="quiet-text"><a href="${tos}" rel="noreferrer">${w.tos}</a></p>`}`
}

function accountField(accounts: readonly SignedIn[], w: (typeof words)['en']) {
  const [only, ...more] = accounts
  if (only && more.length === 0)
    return html`<p>${w.as}: <strong>${latin(`@${only.handle}`)}</strong><input type="hidden" name="account" value="${only.did}"></p>`
  return html`<fieldset class="choices"><legend>${w.account}</legend>${accounts.map(
    ({ did, handle, isSelected }) =>
      html`<label class="choice"><input type="radio" name="account" value="${did}" required${isSelected && html` checked`}><span>${latin(`@${handle}`)}</span></label>`,
  )}</fieldset>`
}

function choiceField(choice: Choice, index: number, w: (typeof words)['en']) {
  const { title, detail, parts, isGrave } = choice
  const hint = detail && !isGrave && html`<span class="hint">${detail}</span>`
  return html`<label class="choice"><input type="checkbox" name="scope" value="${index}"${!isGrave && html` checked`}><span><strong>${title}</strong>${hint}</span></label>
${isGrave && html`<div class="notice" data-tone="warm">${detail}</div>`}
${parts.length > 0 && html`<details class="more"><summary>${w.more}</summary><ul class="quiet-text">${parts.map((part) => html`<li>${part}</li>`)}</ul></details>`}`
}
