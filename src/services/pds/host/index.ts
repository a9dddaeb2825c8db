/** The host itself: its name, identity and secrets. */
export { type Host, type HostSecrets, loadHostDid, loadSecrets } from './host.ts'
