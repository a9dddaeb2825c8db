/** What an app may do, in words for people. */
import {
  isTransitional,
  type Permission,
  type PermissionSet,
  parsePermission,
  type RepoAction,
  scopesOfSet,
  type TransitionalScope,
} from '#protocol/auth'
import { type Html, html, type Language, latin, type Words } from '../index.ts'
import { type PermissionNames, permissionNames } from './permission-names.ts'

/** One permission that its owner may grant or decline. */
export interface Choice {
  /** What is granted: scopes that belong together. */
  scopes: readonly string[]
  title: string | Html
  detail: string | undefined
  /** More of it, for who wants to know. */
  parts: readonly (string | Html)[]
  /** It changes who owns the account, or all that is in it. */
  isGrave: boolean
}

interface Phrases {
  transitional: Record<TransitionalScope, { title: string; detail: string }>
  actions: Record<RepoAction, string>
  records(actions: string, names: Html): Html
  allRecords(actions: string): string
  calls(methods: Html, service: Html | undefined): Html
  allCalls(service: Html): Html
  blobs: { images: string; videos: string; sounds: string; any: string; types(names: Html): Html }
  email: { read: string; manage: string }
  repo: { title: string; detail: string }
  handle: { title: string; detail: string }
  identity: { title: string; detail: string }
  set: string
  and: string
}

type PermissionWords = Phrases & PermissionNames

const phrases: Words<Phrases> = {
  ar: {
    transitional: {
      'transition:generic': {
        title: 'أن يعمل باسمك في كل ما هو عام',
        detail:
          'ينشر ويعجب ويتابع ويحذف، ويرفع الصور، ويقرأ تفضيلاتك ويغيّرها. ولا يصل إلى بريدك وكلمة مرورك واسمك ورسائلك الخاصة.',
      },
      'transition:chat.bsky': {
        title: 'أن يقرأ رسائلك الخاصة ويكتبها',
        detail: 'كل محادثاتك مع غيرك.',
      },
      'transition:email': { title: 'أن يعرف عنوان بريدك', detail: 'يراه ولا يغيّره.' },
    },
    actions: { create: 'يكتب', update: 'يغيّر', delete: 'يحذف' },
    records: (actions, names) => html`أن ${actions} ${names}`,
    allRecords: (actions) => `أن ${actions} كل ما في حسابك العام`,
    calls: (methods, service) =>
      service ? html`أن يسأل ${service} باسمك: ${methods}` : html`أن يسأل باسمك: ${methods}`,
    allCalls: (service) => html`أن يسأل ${service} باسمك عن كل شيء`,
    blobs: {
      images: 'أن يرفع صورًا',
      videos: 'أن يرفع مقاطع مرئية',
      sounds: 'أن يرفع تسجيلات',
      any: 'أن يرفع أي ملف',
      types: (names) => html`أن يرفع ملفات من نوع ${names}`,
    },
    email: { read: 'أن يعرف عنوان بريدك', manage: 'أن يعرف عنوان بريدك ويغيّره' },
    repo: {
      title: 'أن يضع مكان بياناتك كلها غيرها',
      detail: 'يحتاج إليه من ينقل حسابًا من مضيف إلى آخر، ولا يكاد يحتاج إليه غيره.',
    },
    handle: { title: 'أن يغيّر اسم حسابك', detail: 'اسمك القديم قد يأخذه غيرك.' },
    identity: {
      title: 'أن يتصرف في هويتك كلها',
      detail:
        'بما فيها المفاتيح والمضيف: من يملك هذا قد يأخذ الحساب. لا تسمح به إلا لمن تثق به تمامًا.',
    },
    set: 'مجموعة أذون',
    and: 'و',
  },
  en: {
    transitional: {
      'transition:generic': {
        title: 'Act for you in everything public',
        detail:
          'Post, like, follow and delete, upload pictures, read and change your preferences. Not your email, password, handle or private messages.',
      },
      'transition:chat.bsky': {
        title: 'Read and write your private messages',
        detail: 'All of your conversations.',
      },
      'transition:email': { title: 'Know your email address', detail: 'See it, not change it.' },
    },
    actions: { create: 'write', update: 'change', delete: 'delete' },
    records: (actions, names) => html`${capital(actions)} ${names}`,
    allRecords: (actions) => `${capital(actions)} everything public in your account`,
    calls: (methods, service) =>
      service ? html`Ask ${service} in your name: ${methods}` : html`Ask in your name: ${methods}`,
    allCalls: (service) => html`Ask ${service} for anything in your name`,
    blobs: {
      images: 'Upload pictures',
      videos: 'Upload videos',
      sounds: 'Upload recordings',
      any: 'Upload any file',
      types: (names) => html`Upload files of type ${names}`,
    },
    email: { read: 'Know your email address', manage: 'Know and change your email address' },
    repo: {
      title: 'Put other data in place of all of yours',
      detail: 'Needed to move an account from one host to another, and for hardly anything else.',
    },
    handle: { title: 'Change your handle', detail: 'Somebody else may take your old one.' },
    identity: {
      title: 'Control your whole identity',
      detail:
        'Its keys and its host too: who has this can take the account. Allow it only to those you trust entirely.',
    },
    set: 'A set of permissions',
    and: 'and',
  },
}

const words: Words<PermissionWords> = {
  ar: { ...phrases.ar, ...permissionNames.ar },
  en: { ...phrases.en, ...permissionNames.en },
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

/** Names shown of a list; the rest is counted. */
const NAMES_MAX = 12

/**
 * The permissions that an app asks for, in its order. What this host does not know is not granted. A
 * set that is not given is named.
 */
export function choicesOf(
  scope: string,
  sets: readonly PermissionSet[],
  language: Language,
): Choice[] {
  const w = words[language]
  return scope.split(' ').flatMap((one) => {
    if (isTransitional(one))
      return [{ scopes: [one], ...w.transitional[one], parts: [], isGrave: false }]
    const permission = parsePermission(one)
    if (!permission) return []
    if (permission.resource === 'include') {
      const set = sets.find(({ nsid }) => nsid === permission.nsid)
      if (set) return [ofSet(one, set, permission.aud, language)]
      const title = html`${w.set} <span class="hint">${latin(permission.nsid)}</span>`
      return [{ scopes: [one], title, detail: undefined, parts: [], isGrave: false }]
    }
    return [{ scopes: [one], parts: [], ...described(permission, w) }]
  })
}

function ofSet(
  scope: string,
  set: PermissionSet,
  aud: string | undefined,
  language: Language,
): Choice {
  const w = words[language]
  const ours = Object.hasOwn(w.sets, set.nsid) ? w.sets[set.nsid] : undefined
  const title = set.titles[language] ?? ours?.title ?? set.titles[''] ?? w.set
  const detail = set.details[language] ?? (ours ? ours.detail : set.details[''])
  const parts = scopesOfSet(set, aud).flatMap((one) => {
    const permission = parsePermission(one)
    return permission ? [described(permission, w).title] : []
  })
  const named = html`<bdi>${title}</bdi> <span class="hint">${latin(set.nsid)}</span>`
  return { scopes: [scope], title: named, detail, parts, isGrave: false }
}

type Described = Pick<Choice, 'title' | 'detail' | 'isGrave'>

function described(permission: Permission, w: PermissionWords): Described {
  const plain = (title: string | Html): Described => ({ title, detail: undefined, isGrave: false })
  const grave = (both: { title: string; detail: string }): Described => ({ ...both, isGrave: true })
  switch (permission.resource) {
    case 'repo': {
      const actions = joined(
        permission.actions.map((action) => w.actions[action]),
        w,
      )
      if (permission.collections.includes('*')) return plain(w.allRecords(actions))
      return plain(w.records(actions, names(permission.collections, w)))
    }
    case 'rpc': {
      const service = permission.aud === '*' ? undefined : latin(serviceName(permission.aud))
      if (permission.lxm.includes('*') && service) return plain(w.allCalls(service))
      return plain(w.calls(subjects(permission.lxm, w), service))
    }
    case 'blob':
      return plain(blobWords(permission.accept, w))
    case 'account':
      if (permission.attr === 'email') return plain(w.email[permission.action])
      return grave(w.repo)
    case 'identity':
      return grave(permission.attr === 'handle' ? w.handle : w.identity)
    case 'include':
      return plain(w.set)
  }
}

function blobWords(accept: readonly string[], w: PermissionWords): string | Html {
  const kinds: Readonly<Record<string, string>> = {
    '*/*': w.blobs.any,
    'image/*': w.blobs.images,
    'video/*': w.blobs.videos,
    'audio/*': w.blobs.sounds,
  }
  if (accept.includes('*/*')) return w.blobs.any
  const [only] = accept
  return (accept.length === 1 && kinds[only!]) || w.blobs.types(names(accept, w))
}

/** The domain of a service, where that is its name. */
const serviceName = (aud: string) => aud.replace(/^did:web:/, '').replace(/#.*/, '')

/** So few methods are named one by one, beside what they are about. */
const METHODS_MAX = 3

/** What methods are about, where all of them are known; else their names. */
function subjects(methods: readonly string[], w: PermissionWords): Html {
  const groups = new Set(methods.map((name) => name.split('.').slice(0, 3).join('.')))
  const known = [...groups].flatMap((name) =>
    Object.hasOwn(w.groups, name) ? w.groups[name]! : [],
  )
  if (known.length < groups.size) return names(methods, w)
  const few = methods.length <= METHODS_MAX
  return html`${known.join(separator(w))}${few && html` <span class="hint">${names(methods, w)}</span>`}`
}

/** Records by the name people know, everything else by its own. */
function names(all: readonly string[], w: PermissionWords): Html {
  const shown = all.slice(0, NAMES_MAX).map((name) => {
    const known = Object.hasOwn(w.collections, name) ? w.collections[name] : undefined
    return known ?? latin(name)
  })
  const rest = all.length - shown.length
  return html`${shown.map((name, i) => (i === 0 ? name : html`${separator(w)}${name}`))}${rest > 0 && ` +${rest}`}`
}

const separator = (w: PermissionWords) => (w === words.ar ? '، ' : ', ')

const joined = (parts: readonly string[], w: PermissionWords): string =>
  w === words.ar
    ? parts.join(` ${w.and}`)
    : parts.length < 3
      ? parts.join(` ${w.and} `)
      : `${parts.slice(0, -1).join(', ')} ${w.and} ${parts.at(-1)}`
