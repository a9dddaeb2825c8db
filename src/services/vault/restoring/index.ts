/** Giving back what was kept. */
export { repoCar, type TreeBlock, walkTree } from './car.ts'
