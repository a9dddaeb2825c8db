/** Labels: what a labeler says of a record or an account, signed. https://atproto.com/specs/label */
export {
  isInForce,
  LABEL_LIMITS,
  type Label,
  type LabelClaim,
  parseLabel,
  signLabel,
  verifyLabel,
} from './label.ts'
export { parseAcceptLabelers, TAKEDOWN_LABEL } from './labelers.ts'
