/** Media types of pictures that are served, told by their first bytes: what a host says is not asked. */

type Signature = readonly [type: string, offset: number, text: string]

const SIGNATURES: readonly Signature[] = [
  ['image/jpeg', 0, '\xff\xd8\xff'],
  ['image/png', 0, '\x89PNG\r\n\x1a\n'],
  ['image/gif', 0, 'GIF87a'],
  ['image/gif', 0, 'GIF89a'],
  ['image/webp', 8, 'WEBP'],
  ['image/avif', 4, 'ftypavif'],
  ['image/avif', 4, 'ftypavis'],
]

/** The media type; undefined for everything else, above all for what can hold script (SVG). */
export function imageType(bytes: Uint8Array): string | undefined {
  return SIGNATURES.find(([type, offset, text]) => {
    if (type === 'image/webp' && !startsWith(bytes, 0, 'RIFF')) return false
    return startsWith(bytes, offset, text)
  })?.[0]
}

function startsWith(bytes: Uint8Array, offset: number, text: string): boolean {
  if (bytes.length < offset + text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[offset + i] !== text.charCodeAt(i)) return false
  return true
}
