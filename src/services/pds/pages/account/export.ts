import { type ZipEntry, zip } from '#platform/runtime'
import {
  archiveAbout,
  archiveIndex,
  type IndexedRecord,
  PRIVATE_STATE_FILE,
} from '#protocol/account'
import { CID_LENGTH, type CidBytes, cidText, JsonBytes } from '#protocol/data'
import type { Nsid } from '#protocol/syntax'
import type { Account } from '../../accounts/index.ts'
import type { Pds } from '../../parts.ts'
import { takedownKey } from '../../takedowns/index.ts'
import { takePrivate } from '../../vault-grants/index.ts'
import { type Download, html, type Page, type Visit } from '../index.ts'
import { count, framed } from './frame.ts'
import { type Owner, requireFresh } from './require-account.ts'

type Parts = Pick<
  Pds,
  | 'accounts'
  | 'blobs'
  | 'devices'
  | 'exports'
  | 'factors'
  | 'files'
  | 'host'
  | 'now'
  | 'passwords'
  | 'preferences'
  | 'proxy'
  | 'takedowns'
>

const words = {
  ar: {
    title: 'خذ كل ما لك',
    lead: 'كل ما كتبته هنا لك. خذ منه نسخة متى شئت، أو انتقل بحسابك إلى مضيف آخر.',
    all: 'كل شيء في ملف واحد',
    allText:
      'أرشيف ZIP: منشوراتك وكل سجلاتك في ملف CAR موقّع، وصورك ومقاطعك، وتفضيلاتك، ومن كتمته، ومحفوظاتك، ومسوداتك، وصفحة تقرؤها بلا اتصال.',
    allGo: 'نزّل كل شيء',
    repo: 'السجلات وحدها',
    repoText: 'ملف CAR كما تفهمه تطبيقات البروتوكول كلها.',
    repoGo: 'نزّل السجلات',
    records: 'السجلات',
    blobs: 'الصور والمقاطع',
  },
  en: {
    title: 'Take everything',
    lead: 'Everything you wrote here is yours. Take a copy whenever you like, or move to another host with all of it.',
    all: 'Everything in one file',
    allText:
      'A ZIP archive: posts and all other records as a signed CAR file, pictures and videos, preferences, mutes, bookmarks and drafts, and a page to read without a connection.',
    allGo: 'Download everything',
    repo: 'The records alone',
    repoText: 'A CAR file, as every app of the protocol understands it.',
    repoGo: 'Download the records',
    records: 'Records',
    blobs: 'Pictures and videos',
  },
}

/** What there is to take, and the ways to take it. */
export const exportPage = (pds: Parts): Page => ({
  path: '/account/export',
  async get(visit) {
    const owner = await requireFresh(pds, visit)
    return 'redirect' in owner ? owner : show(pds, visit, owner)
  },
})

/** The repository as a CAR. */
export const exportRepoPage = (pds: Parts): Page => ({
  path: '/account/export/repo.car',
  async get(visit) {
    const owner = await requireFresh(pds, visit)
    if ('redirect' in owner) return owner
    const { account } = owner
    const body = await pds.exports.repo(account, { signal: visit.request.signal })
    return download(`${account.handle}.car`, 'application/vnd.ipld.car', body)
  },
})

/** Repository, blobs and preferences as one archive, made while it is read. */
export const exportEverythingPage = (pds: Parts): Page => ({
  path: '/account/export/everything.zip',
  async get(visit) {
    const owner = await requireFresh(pds, visit)
    if ('redirect' in owner) return owner
    const { account } = owner
    const repo = await pds.exports.repo(account, { signal: visit.request.signal })
    const body = zip(everything(pds, account, repo, visit), pds.now())
    return download(`${account.handle}.zip`, 'application/zip', body)
  },
})

function download(name: string, type: string, body: AsyncIterable<Uint8Array>): Download {
  const headers = {
    'content-type': type,
    'content-disposition': `attachment; filename="${name}"`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  }
  return { download: { status: 200, headers, body } }
}

async function* everything(
  pds: Parts,
  account: Account,
  repo: AsyncIterable<Uint8Array>,
  { request: { signal }, language }: Visit,
): AsyncGenerator<ZipEntry> {
  const { did, handle, email, createdMs } = account
  const times = { createdAt: day(createdMs), takenAt: day(pds.now()) }
  const about = { did, handle, email, host: pds.host.publicUrl, ...times }
  yield { name: 'account.json', body: [archiveAbout(about)] }
  yield { name: 'repo.car', body: repo }
  yield { name: 'index.html', body: archiveIndex(about, language, posts(pds, account)) }
  yield { name: 'preferences.json', body: [json(pds.preferences.read(account, { full: true }))] }
  const beside = await takePrivate({ ...pds, publicUrl: pds.host.publicUrl }, account)
  yield { name: PRIVATE_STATE_FILE, body: [json(beside)] }
  for (const cid of referencedBlobs(pds, account)) {
    if (signal.aborted) return
    const isDown = pds.takedowns.has(takedownKey({ did, cid: cidText(cid) }))
    const found = isDown ? undefined : await pds.blobs.read(did, cid)
    if (found) yield { name: `blobs/${cidText(cid)}`, body: found.body }
  }
}

const day = (ms: number) => new Date(ms).toISOString()
const json = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)

const PAGE = 500
const POST = 'app.bsky.feed.post' as Nsid

/** Posts, the newest first, page by page. */
function* posts({ files }: Parts, { did, generation }: Account): Generator<IndexedRecord> {
  let cursor: string | undefined
  do {
    const { blocks, sizes, rkeys } = files
      .open(did, generation)
      .list(POST, { limit: PAGE, cursor, reverse: false })
    let at = 0
    for (const [index, rkey] of rkeys.entries()) {
      const from = at + CID_LENGTH
      at += sizes[index]!
      const text = new JsonBytes(2 * (at - from)).cbor(blocks, from, at).bytes()
      const value: unknown = JSON.parse(new TextDecoder().decode(text))
      yield { uri: `at://${did}/${POST}/${rkey}`, value }
    }
    cursor = rkeys.length === PAGE ? rkeys.at(-1) : undefined
  } while (cursor)
}

/** Those that records refer to, page by page: the account may go on while it is read. */
function* referencedBlobs({ files }: Parts, { did, generation }: Account): Generator<CidBytes> {
  let cursor: CidBytes | undefined
  do {
    const { blobs } = files.open(did, generation)
    const page: CidBytes[] = blobs.list({ limit: PAGE, ...(cursor && { cursor }) })
    yield* page
    cursor = page.length === PAGE ? page.at(-1) : undefined
  } while (cursor)
}

async function show(pds: Parts, visit: Visit, owner: Owner) {
  const w = visit.words(words)
  const counts = await pds.exports.counts(owner.account)
  return framed(visit, owner, {
    title: w.title,
    lead: w.lead,
    body: html`<dl class="facts"><dt>${w.records}</dt><dd>${count(visit, counts.records)}</dd><dt>${w.blobs}</dt><dd>${count(visit, counts.expectedBlobs)}</dd></dl>
<section><h2>${w.all}</h2><p class="hint">${w.allText}</p><p><a class="button" href="/account/export/everything.zip" download>${w.allGo}</a></p></section>
<section><h2>${w.repo}</h2><p class="hint">${w.repoText}</p><p><a class="button quiet" href="/account/export/repo.car" download>${w.repoGo}</a></p></section>`,
  })
}
