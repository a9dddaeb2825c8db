/** Calls passed on to other services in an account's name. */
export { type ProxyTarget, ServiceProxy } from './proxy.ts'
