/** The page of an archive that people read: who it is of, and what they wrote, in their language. */

/** Of the format, as `account.json` says it. */
export const ARCHIVE_FORMAT = { format: 'falaj-archive', version: 1 } as const

export type ArchiveLanguage = 'ar' | 'en'

export interface ArchiveAbout {
  did: string
  handle: string
  host: string
  email?: string | undefined
  createdAt?: string | undefined
  /** When the archive was made. */
  takenAt: string
}

/** A record as JSON, as `com.atproto.repo.listRecords` gives it. */
export interface IndexedRecord {
  uri: string
  value: unknown
}

const words = {
  ar: {
    title: 'أرشيف حساب',
    lead: 'كل ما في هذا الحساب يوم أُخذ الأرشيف. تقرأ هذه الصفحة بلا اتصال، والملفات التي بجانبها تُعيد الحساب كاملًا.',
    taken: 'أُخذ في',
    host: 'عند',
    did: 'الهوية',
    files: 'ما في الأرشيف',
    repo: 'كل السجلات موقّعة، كما تفهمها برامج البروتوكول',
    blobs: 'الصور والمقاطع، كل ملف باسم بصمته',
    preferences: 'ما اخترته في التطبيقات',
    account: 'من صاحب الأرشيف، ومتى أُخذ',
    private: 'ما تحفظه الخدمات لك وحدك، إن أعطته',
    back: 'لإعادته:',
    posts: 'المنشورات، من الأحدث',
    none: 'لا منشورات.',
    image: 'صورة',
    more: 'وما قبلها في repo.car',
  },
  en: {
    title: 'Archive of an account',
    lead: 'Everything in this account on the day the archive was taken. This page reads without a connection; the files beside it bring the whole account back.',
    taken: 'Taken',
    host: 'At',
    did: 'Identity',
    files: 'What is in it',
    repo: 'all records, signed, as programs of the protocol understand them',
    blobs: 'pictures and videos, each named by its fingerprint',
    preferences: 'what you chose in apps',
    account: 'whose archive this is, and when it was taken',
    private: 'what services keep for you alone, where they gave it',
    back: 'To bring it back:',
    posts: 'Posts, the newest first',
    none: 'No posts.',
    image: 'Picture',
    more: 'Earlier ones are in repo.car',
  },
}

const STYLE =
  'body{max-width:42rem;margin:2rem auto;padding:0 1rem;font:16px/1.7 system-ui,sans-serif;color:#14252b;background:#fbfaf7}' +
  'article{padding:1rem 0;border-top:1px solid #e7e4dc}article p{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}' +
  'time{color:#5f6e74;font-size:.85em}img{max-width:100%;border-radius:12px;margin-top:.5rem}dt{color:#5f6e74}dd{margin:0 0 .5rem}' +
  '@media(prefers-color-scheme:dark){body{color:#e9efef;background:#0e1a1e}article{border-color:#22363c}}'

/** A page of more would be none to read. */
const POSTS_MAX = 20_000

/** `index.html`, in pieces. Posts come newest first; nothing in them can become markup. */
export async function* archiveIndex(
  about: ArchiveAbout,
  language: ArchiveLanguage,
  posts: AsyncIterable<IndexedRecord> | Iterable<IndexedRecord>,
): AsyncGenerator<Uint8Array> {
  const w = words[language]
  const bytes = (text: string) => new TextEncoder().encode(text)
  const item = (name: string, text: string) =>
    `<li><a href="${name}" dir="ltr">${name}</a> · ${text}</li>`
  yield bytes(`<!doctype html>
<html lang="${language}" dir="${language === 'ar' ? 'rtl' : 'ltr'}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${w.title} · @${safe(about.handle)}</title><style>${STYLE}</style></head>
<body><h1>${w.title}</h1><p>${w.lead}</p>
<dl><dt>@</dt><dd><bdi dir="ltr">${safe(about.handle)}</bdi></dd><dt>${w.did}</dt><dd><bdi dir="ltr">${safe(about.did)}</bdi></dd>
<dt>${w.host}</dt><dd><bdi dir="ltr">${safe(about.host)}</bdi></dd><dt>${w.taken}</dt><dd><time>${safe(about.takenAt)}</time></dd></dl>
<h2>${w.files}</h2><ul>${item('repo.car', w.repo)}${item('blobs/', w.blobs)}${item('preferences.json', w.preferences)}${item('private/', w.private)}${item('account.json', w.account)}</ul>
<p>${w.back} <code dir="ltr">falaj import --host URL --handle NAME FILE.zip</code></p>
<h2>${w.posts}</h2>
`)
  let count = 0
  for await (const { value } of posts) {
    if (++count > POSTS_MAX) break
    yield bytes(postOf(value, w.image))
  }
  if (count === 0) yield bytes(`<p>${w.none}</p>`)
  if (count > POSTS_MAX) yield bytes(`<p>${w.more}.</p>`)
  yield bytes('</body></html>\n')
}

function postOf(value: unknown, image: string): string {
  const { text, createdAt, embed } = asObject(value)
  const pictures = imagesIn(embed).map(
    ({ cid, alt }) => `<img src="blobs/${safe(cid)}" alt="${safe(alt || image)}" loading="lazy">`,
  )
  return `<article><p dir="auto">${safe(textOf(text))}</p>${pictures.join('')}<time>${safe(textOf(createdAt))}</time></article>\n`
}

function imagesIn(embed: unknown): { cid: string; alt: string }[] {
  const { images, media } = asObject(embed)
  if (media !== undefined) return imagesIn(media)
  if (!Array.isArray(images)) return []
  return images.flatMap((one) => {
    const { image, alt } = asObject(one)
    const cid = textOf(asObject(asObject(image).ref).$link)
    return cid === '' ? [] : [{ cid, alt: textOf(alt) }]
  })
}

const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const safe = (text: string) => text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!)
