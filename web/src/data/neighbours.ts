/** People who have accounts at the hosts of this network, for those who know nobody yet. */
import { type Signal, signal } from '@preact/signals'
import { network } from '../app/config.ts'
import { peopleHere } from './feeds.ts'
import type { Person } from './views.ts'

/** Undefined until they were asked for. */
export const neighbours: Signal<readonly Person[] | undefined> = signal(undefined)

export async function loadNeighbours(): Promise<void> {
  neighbours.value = await peopleHere(network().pds.map(({ url }) => url))
}
