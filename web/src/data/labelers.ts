/** Whose labels a person follows: kept on this device, and with the account for its other clients. */
import { network } from '../app/config.ts'
import { findService } from './find-service.ts'
import { type Preference, preference, withPreference } from './preference-list.ts'
import { changePreferences } from './preferences.ts'
import { chooseLabelers, isLabelersChosen, labelers, type Service } from './services.ts'
import { me } from './session.ts'

const labelersPref = 'app.bsky.actor.defs#labelersPref'

interface Kept {
  labelers?: { did: string }[]
}

/** The most that a view has to heed. */
export const maxLabelers = 20

/** Follows exactly these from now on; what the account keeps of others' making stays with them. */
export async function setLabelers(list: readonly Service[]): Promise<void> {
  const before = isLabelersChosen() ? labelers() : undefined
  chooseLabelers(list)
  if (!me.peek()) return
  try {
    await changePreferences((all) => {
      const kept = preference<Kept>(all, labelersPref)?.labelers ?? []
      const items = list.map(({ did }) => kept.find((one) => one.did === did) ?? { did })
      return withPreference(all, labelersPref, { labelers: items })
    })
  } catch (error) {
    chooseLabelers(before)
    throw error
  }
}

/** Takes over what the account keeps, on a device where nothing was chosen yet. */
export async function adoptLabelers(all: readonly Preference[]): Promise<void> {
  const kept = preference<Kept>(all, labelersPref)?.labelers ?? []
  const own = network().moderation?.did
  const others = kept.map(({ did }) => did).filter((did) => did !== own)
  if (isLabelersChosen() || others.length === 0) return
  const found = await Promise.all(
    others.slice(0, maxLabelers).map((did) => findService(did, 'labeler').catch(() => undefined)),
  )
  const met = found.filter((one) => one !== undefined)
  if (met.length > 0 && !isLabelersChosen()) chooseLabelers([...labelers(), ...met])
}
