/** What a person chose on this device: language and theme. Kept small: the boot script carries it. */

export const languages = ['ar', 'en'] as const
export type Language = (typeof languages)[number]
export const themes = ['auto', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

const languageKey = 'falaj.language'
const themeKey = 'falaj.theme'

/**
 * The chosen language, else the browser's first one that we speak, else the first of `offered` (what
 * this place is set up for, once that is known).
 */
export function chosenLanguage(offered: readonly string[] = ['ar']): Language {
  const saved = read(languageKey)
  if (isLanguage(saved)) return saved
  const spoken = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase())
  return spoken.find(isLanguage) ?? offered.find(isLanguage) ?? 'ar'
}

export function chosenTheme(): Theme {
  const saved = read(themeKey)
  return saved === 'light' || saved === 'dark' ? saved : 'auto'
}

export function keepLanguage(language: Language): void {
  write(languageKey, language)
}

export function keepTheme(theme: Theme): void {
  write(themeKey, theme)
}

export function applyLanguage(language: Language): void {
  document.documentElement.lang = language
  document.documentElement.dir = language === 'ar' ? 'rtl' : 'ltr'
}

export function applyTheme(theme: Theme): void {
  const dark =
    theme === 'dark' || (theme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
}

function isLanguage(text: unknown): text is Language {
  return languages.some((language) => language === text)
}

// Storage may be refused (private windows, policies); the page then works without a memory.
function read(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {}
}
