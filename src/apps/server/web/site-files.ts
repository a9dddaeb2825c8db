/** The built client in memory, packed once, with the names browsers and caches need. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'

export interface SiteFile {
  bytes: Uint8Array
  type: string
  etag: string
  /** Its name carries a hash of its content: it may be kept for ever. */
  immutable: boolean
  /** Brotli form, made at the first request; undefined where packing gains nothing. */
  packed(): Promise<Uint8Array | undefined>
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
}
const PACKABLE = new Set(['.html', '.js', '.css', '.json', '.svg', '.webmanifest', '.txt'])
/** A client of this size is a mistake, not a client. */
const SITE_BYTES_MAX = 64 * 1024 * 1024
const HASHED = /-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$/
const brotli = promisify(brotliCompress)

/** Whether a path ends like one of the client's files, so that its absence is an error. */
export function looksLikeFile(path: string): boolean {
  return path.startsWith('/assets/') || extname(path) in TYPES
}

/** Reads a folder into URL path → file. Throws when it is missing or over 64 MiB. */
export function readSite(folder: string): Map<string, SiteFile> {
  const files = new Map<string, SiteFile>()
  let total = 0
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const bytes = readFileSync(path)
    total += bytes.length
    if (total > SITE_BYTES_MAX) throw new Error(`${folder} is larger than a client may be`)
    files.set(`/${relative(folder, path).split(sep).join('/')}`, siteFile(entry.name, bytes))
  }
  return files
}

function siteFile(name: string, bytes: Uint8Array): SiteFile {
  const extension = extname(name)
  let packing: Promise<Uint8Array | undefined> | undefined
  return {
    bytes,
    type: TYPES[extension] ?? 'application/octet-stream',
    etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
    immutable: HASHED.test(name),
    packed: () => (packing ??= PACKABLE.has(extension) ? pack(bytes) : Promise.resolve(undefined)),
  }
}

async function pack(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  const packed = await brotli(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } })
  return packed.length < bytes.length ? packed : undefined
}
