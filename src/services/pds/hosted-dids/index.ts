/** did:web identities under the handle domains of this host, whose documents it serves. */
export { type DocumentState, HostedDids } from './hosted-dids.ts'
