/** Accounts that came back from a copy: what this host says and signs of it. */
export { forgetRescue, Rescues } from './rescues.ts'
