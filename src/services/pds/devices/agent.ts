/** What is kept of a user agent: a browser and a system, in the names people know them by. */

const BROWSERS: readonly [pattern: RegExp, name: string][] = [
  [/\bEdgA?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:HeadlessChrome|Chrome|CriOS)\//, 'Chrome'],
  [/\bVersion\/[\d.]+.*\bSafari\//, 'Safari'],
]
const SYSTEMS: readonly [pattern: RegExp, name: string][] = [
  [/\bAndroid\b/, 'Android'],
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
]
const READ_CHARS = 500
/** The name a program gives itself: `okhttp/4.12`, `my-bot/1`. */
const PROGRAM = /^[\w.+-]{1,30}(?:\/[\w.+-]{1,12})?/

/** 'Firefox, Android'; a program's own name; or empty for one that says nothing. */
export function coarseAgent(userAgent: string | undefined): string {
  const text = (userAgent ?? '').slice(0, READ_CHARS)
  const nameIn = (list: typeof BROWSERS) => list.find(([pattern]) => pattern.test(text))?.[1]
  const [browser, system] = [nameIn(BROWSERS), nameIn(SYSTEMS)]
  if (browser) return system ? `${browser}, ${system}` : browser
  return text.startsWith('Mozilla/') ? (system ?? '') : (PROGRAM.exec(text)?.[0] ?? '')
}
