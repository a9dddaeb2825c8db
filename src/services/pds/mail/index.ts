/** Letters to people, and the outbox that keeps and delivers them. */
export { type Language, type Languages, languagesFor } from './languages.ts'
export {
  DELIVERY_JOB,
  DELIVERY_PACE,
  Mail,
  type MessageInput,
  mailRoute,
  type ReadableLetter,
  tooManyLetters,
} from './mail.ts'
export type { Letter, LetterFilter, LetterState } from './outbox.ts'
export { tellOwner, tellOwnerOfOperator } from './tell-owner.ts'
export type { LetterPurpose, NoticePurpose } from './words.ts'
