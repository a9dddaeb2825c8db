/** From an upstream's events to rows: read, judged, applied with the cursor in one transaction. */
export { Consumer } from './consumer.ts'
export { jetstreamUpstream, relayUpstream, type Upstream } from './upstream.ts'
