/** The vault's page. */
export { vaultPage } from './page.ts'
