/** What kind of file bytes are, by how they begin. */

/** So many bytes from the start are looked at. */
export const SNIFF_BYTES = 512

/** A restricted name on both sides (RFC 6838), lower case, without parameters. */
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/

/** Whether it can stand in a header and in a record. */
export function isMediaType(text: string): boolean {
  return MEDIA_TYPE.test(text)
}

/**
 * The type of a file: what its first bytes say, unless the declared type says the same more exactly; the declared
 * one where the bytes say nothing.
 */
export function mediaTypeOf(declared: string, head: Uint8Array): string {
  const found = sniff(head)
  if (found === undefined) return declared
  return NARROWER[found]?.test(declared) ? declared : found
}

/** Declared types that the bytes of another agree with: containers that hold many kinds, and other names for the same. */
const NARROWER: Readonly<Record<string, RegExp>> = {
  'application/gzip': /^application\/(x-gzip|x-tgz|[a-z0-9.-]+\+gzip)$/,
  'application/xml': /^text\/xml$|\+xml$/,
  'application/zip':
    /^application\/(java-archive|vnd\.(openxmlformats|oasis\.opendocument|ms-|android\.)[a-z0-9.-]*|[a-z0-9.-]+\+zip)$/,
  'audio/mpeg': /^audio\/mp3$/,
  'audio/ogg': /^((audio|video|application)\/ogg|audio\/(opus|vorbis))$/,
  'audio/wav': /^audio\/(wave|x-wav|vnd\.wave)$/,
  'image/heic': /^image\/heif$/,
  'image/png': /^image\/apng$/,
  'image/x-icon': /^image\/vnd\.microsoft\.icon$/,
  'video/matroska': /^(audio|video)\/(x-)?matroska$/,
  'video/mp4': /^(audio\/(mp4|x-m4a)|video\/x-m4v)$/,
  'video/webm': /^audio\/webm$/,
}

/** Bytes at an offset that tell a type; a text stands for its Latin-1 bytes. */
const SIGNATURES: readonly (readonly [type: string, ...[at: number, text: string][]])[] = [
  ['image/png', [0, '\x89PNG\r\n\x1a\n']],
  ['image/jpeg', [0, '\xff\xd8\xff']],
  ['image/gif', [0, 'GIF87a']],
  ['image/gif', [0, 'GIF89a']],
  ['image/webp', [0, 'RIFF'], [8, 'WEBP']],
  ['audio/wav', [0, 'RIFF'], [8, 'WAVE']],
  ['video/vnd.avi', [0, 'RIFF'], [8, 'AVI ']],
  ['image/jxl', [0, '\xff\x0a']],
  ['image/jxl', [0, '\0\0\0\x0cJXL \r\n\x87\n']],
  ['image/tiff', [0, 'II*\0']],
  ['image/tiff', [0, 'MM\0*']],
  ['image/bmp', [0, 'BM'], [6, '\0\0\0\0']],
  ['image/x-icon', [0, '\0\0\x01\0']],
  ['audio/flac', [0, 'fLaC']],
  ['audio/mpeg', [0, 'ID3']],
  ['video/ogg', [0, 'OggS'], [28, '\x80theora']],
  ['audio/ogg', [0, 'OggS']],
  ['application/pdf', [0, '%PDF-']],
  ['application/zip', [0, 'PK\x03\x04']],
  ['application/gzip', [0, '\x1f\x8b\x08']],
  ['application/wasm', [0, '\0asm']],
  ['application/xml', [0, '<?xml ']],
  ['font/woff', [0, 'wOFF']],
  ['font/woff2', [0, 'wOF2']],
]

/** Brands of ISO base media files (ISO/IEC 14496-12); what is not listed is taken for a video. */
const BRANDS: Readonly<Record<string, string>> = {
  avif: 'image/avif',
  avis: 'image/avif',
  heic: 'image/heic',
  heix: 'image/heic',
  mif1: 'image/heif',
  msf1: 'image/heif',
  'qt  ': 'video/quicktime',
  'M4A ': 'audio/mp4',
  'M4B ': 'audio/mp4',
}

function sniff(head: Uint8Array): string | undefined {
  for (const [type, ...marks] of SIGNATURES) {
    if (marks.every(([at, text]) => stands(head, at, text))) return type
  }
  if (stands(head, 4, 'ftyp')) return brand(latin(head, 8, 12))
  if (stands(head, 0, '\x1aE\xdf\xa3')) return matroska(latin(head, 4, 64))
  return isMpegAudio(head) ? 'audio/mpeg' : undefined
}

function brand(name: string): string {
  if (name.startsWith('3g')) return 'video/3gpp'
  return BRANDS[name] ?? 'video/mp4'
}

/** The document type stands near the start (RFC 8794). */
function matroska(start: string): string | undefined {
  if (start.includes('webm')) return 'video/webm'
  return start.includes('matroska') ? 'video/matroska' : undefined
}

/** Layer III with a bit rate and a sampling rate that exist: two bytes alone would be a guess. */
function isMpegAudio(head: Uint8Array): boolean {
  const [sync = 0, version = 0, rates = 0] = head
  const isLayer3 = sync === 0xff && (version & 0xe6) === 0xe2 && (version & 0x18) !== 0x08
  return isLayer3 && (rates & 0xf0) !== 0xf0 && (rates & 0xf0) !== 0 && (rates & 0x0c) !== 0x0c
}

function stands(head: Uint8Array, at: number, text: string): boolean {
  if (head.length < at + text.length) return false
  for (let i = 0; i < text.length; i++) if (head[at + i] !== text.charCodeAt(i)) return false
  return true
}

function latin(head: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...head.subarray(from, to))
}
