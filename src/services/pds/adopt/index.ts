/** Taking the place of a reference PDS: its data directory becomes ours. */
export {
  type AdoptionOptions,
  AdoptionRefused,
  type AdoptionTarget,
  adopt,
  requireNoAdoption,
} from './adoption.ts'
export {
  type ReferenceSource,
  type ReferenceStore,
  SourceChanged,
  type StoredBytes,
} from './reference-source.ts'
export type { AdoptedAccount, AdoptionReport } from './report.ts'
