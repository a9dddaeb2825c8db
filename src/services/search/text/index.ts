/** Text as it is compared: one spelling for what reads alike, in Arabic, Latin and other scripts. */
export { foldCharacters } from './fold.ts'
export { beginningsOf, wordsOf } from './words.ts'
