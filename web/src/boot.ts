/** Runs before the first paint: sets the page's language, direction and theme from what was chosen. */
import { applyLanguage, applyTheme, chosenLanguage, chosenTheme } from './app/choices.ts'

applyLanguage(chosenLanguage())
applyTheme(chosenTheme())
