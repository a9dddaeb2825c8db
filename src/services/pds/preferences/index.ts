/** Private preferences of the accounts. */
export { applyPreferences, Preferences } from './preferences.ts'
