/** The server door: `falaj up` and single services, from arguments to exit code. */
export { type AdoptionCall, adoptReference } from './adopt-reference.ts'
export { configTables } from './config-docs.ts'
export { type OpenPds, openPds } from './open-pds.ts'
export { UsageError } from './part.ts'
export { partNames as serviceNames } from './parts.ts'
export { type Plan, plan } from './plan.ts'
export { runServer } from './run.ts'
export { programVersion, type Running, serve } from './serve.ts'
