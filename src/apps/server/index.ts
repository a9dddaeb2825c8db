/** The server door: `falaj up` and single services, from arguments to exit code. */
export { readCommandLine } from './command-line.ts'
export { configTables } from './config-docs.ts'
export { UsageError } from './part.ts'
export { partNames } from './parts.ts'
export { type Plan, plan } from './plan.ts'
export { complain, EXIT_FAILED, EXIT_OK, EXIT_USAGE, runServer } from './run.ts'
export { programVersion, type Running, serve } from './serve.ts'
