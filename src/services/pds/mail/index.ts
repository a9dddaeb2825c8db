/** Outgoing mail and the local outbox. */
export { type LetterPurpose, Mail, type OutboxMail } from './mail.ts'
