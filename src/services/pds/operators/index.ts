/** The people who operate a host, what each may do, and the record of what they did. */
export { Audit } from './audit.ts'
export { ADMIN, type Operator, Operators } from './operators.ts'
export { mayDo, type Permission } from './roles.ts'
