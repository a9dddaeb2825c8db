/** Browser devices: a secret in a cookie, and who is signed in where. */
export { coarseAgent } from './agent.ts'
export { type Device, type DeviceOfAccount, Devices, type SignedIn } from './devices.ts'
