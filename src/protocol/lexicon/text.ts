/** Lengths of text as lexicons count them: UTF-8 bytes, and graphemes. */

/** True when the UTF-8 form has between `min` and `max` bytes. */
export function isUtf8LengthWithin(text: string, min: number, max: number): boolean {
  const units = text.length
  // A UTF-16 unit makes one to three bytes.
  if (units > max || units * 3 < min) return false
  if (units >= min && units * 3 <= max) return true
  const bytes = utf8Length(text)
  return bytes >= min && bytes <= max
}

/** Bytes of the UTF-8 form; half a surrogate pair counts three, as an encoder would replace it. */
export function utf8Length(text: string): number {
  let bytes = text.length
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 0x80) continue
    if (code < 0x800) bytes += 1
    else if (isHighSurrogate(code) && isLowSurrogate(text.charCodeAt(index + 1))) {
      bytes += 2
      index++
    } else bytes += 2
  }
  return bytes
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff
}

let segmenter: Intl.Segmenter | undefined

/** True when a reader would count between `min` and `max` characters (extended grapheme clusters). */
export function isGraphemeLengthWithin(text: string, min: number, max: number): boolean {
  // Never more graphemes than units; and one for each where nothing combines.
  if (text.length < min) return false
  if (text.length <= max && min === 0) return true
  if (isSimple(text)) return text.length <= max
  segmenter ??= new Intl.Segmenter()
  let count = 0
  for (const _ of segmenter.segment(text)) if (++count > max) return false
  return count >= min
}

/** True for text in which every unit is a grapheme: ASCII without carriage returns. */
function isSimple(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code > 0x7e || code === 0x0d) return false
  }
  return true
}
