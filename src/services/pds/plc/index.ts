/** The host's side of the identity directory: operations made, signed and submitted. */
export { type Credentials, PlcAgent } from './plc-agent.ts'
