/**
 * Folding of characters: what people write differently and mean alike becomes one spelling. Pure;
 * applied to what is indexed and to what is asked, so it only has to agree with itself.
 */

/** Letters that no Unicode decomposition brings together, but readers of Arabic do. */
const ARABIC: Readonly<Record<string, string>> = {
  // Alef with anything on it. The composed أ إ آ come apart by decomposition.
  '\u0671': '\u0627', // ٱ
  '\u0672': '\u0627', // ٲ
  '\u0673': '\u0627', // ٳ
  // Yeh: alef maksura, and the Persian, Urdu and barree forms.
  '\u0649': '\u064a', // ى
  '\u06cc': '\u064a', // ی
  '\u06d2': '\u064a', // ے
  // Heh: teh marbuta, and the Persian and Urdu forms.
  '\u0629': '\u0647', // ة
  '\u06be': '\u0647', // ھ
  '\u06c1': '\u0647', // ہ
  '\u06c3': '\u0647', // ۃ
  '\u06d5': '\u0647', // ە
  '\u06a9': '\u0643', // ک
}

/** Latin letters whose stroke or shape is no combining mark, and what lower-casing leaves apart. */
const LATIN: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ħ: 'h',
  ŧ: 't',
  ı: 'i',
  ς: 'σ',
}

const LETTERS: Readonly<Record<string, string>> = { ...ARABIC, ...LATIN, ...digits() }
const FOLDED_LETTER = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'gu')

/** Arabic-Indic and Persian digits. */
function digits(): Record<string, string> {
  const found: Record<string, string> = {}
  for (let digit = 0; digit <= 9; digit++)
    for (const zero of [0x0660, 0x06f0])
      found[String.fromCodePoint(zero + digit)] = String.fromCodePoint(0x30 + digit)
  return found
}

/**
 * Nothing a reader reads: harakat and the signs of the Quran, superscript alef, hamza and madda
 * over or under a letter, tatweel; points of Hebrew; variation selectors and skin tones of emoji;
 * joiners, direction marks, soft hyphens.
 */
const UNREAD = new RegExp(
  '[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed' +
    '\u08ca-\u08e1\u08e3-\u08ff\u0640' +
    '\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7' +
    '\ufe00-\ufe0f\u20d0-\u20f0\u{1f3fb}-\u{1f3ff}' +
    '\u00ad\u061c\u200c-\u200f\u202a-\u202e\u2060-\u206f\ufeff]',
  'gu',
)

/** Harakat that stand alone in old encodings: they decompose to a space, which would part a word. */
const LONE_HARAKAT = /[\ufc5e-\ufc63\ufcf2-\ufcf4\ufe70-\ufe7f]/g

/** Accents, where the letter below is read without them (and ё, not й; not the vowels of Hindi). */
const ACCENTS = /(?<=[\p{Script=Latin}\p{Script=Greek}\u0435])[\u0300-\u036f]+/gu

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
const ASCII = /^[\x00-\x7f]*$/

/**
 * One spelling for text that reads alike: lower case; Latin and Greek without accents; Arabic
 * without tashkeel and tatweel, its alef, yeh, heh and kaf forms unified (أإآٱ → ا, ى ئ → ي, ة → ه,
 * ؤ → و), Persian letters as Arabic ones; digits as ASCII; presentation and full-width forms as
 * plain ones. Emoji stay. Idempotent.
 */
export function foldCharacters(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase()
  return text
    .replace(LONE_HARAKAT, '')
    .normalize('NFKD')
    .toLowerCase()
    .replace(UNREAD, '')
    .replace(FOLDED_LETTER, (letter) => LETTERS[letter]!)
    .replace(ACCENTS, '')
    .normalize('NFC')
}
