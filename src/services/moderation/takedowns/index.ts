export { type PdsAdmin, readPdsAdmin } from './pds-admin.ts'
export { Takedowns } from './takedowns.ts'
