/** Calls passed on to other services in an account's name. */
export { ServiceProxy } from './proxy.ts'
export { type ProxyTarget, type Services, Targets } from './targets.ts'
export { parseBytes, readBytes } from './upstream.ts'
