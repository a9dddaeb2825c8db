export { Labels, type SaidLabel } from './labels.ts'
export { LabelPublisher } from './publisher.ts'
