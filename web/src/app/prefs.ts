/** Language and theme as signals; every component that shows words or numbers follows them. */
import { effect, signal } from '@preact/signals'
import {
  applyLanguage,
  applyTheme,
  chosenLanguage,
  chosenTheme,
  keepLanguage,
  keepTheme,
  type Language,
  type Theme,
} from './choices.ts'

export const language = signal<Language>(chosenLanguage())
export const theme = signal<Theme>(chosenTheme())

export function setLanguage(value: Language): void {
  keepLanguage(value)
  language.value = value
}

export function setTheme(value: Theme): void {
  keepTheme(value)
  theme.value = value
}

effect(() => applyLanguage(language.value))
effect(() => applyTheme(theme.value))
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () =>
  applyTheme(theme.peek()),
)
