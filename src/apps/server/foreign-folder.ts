import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { UsageError } from './part.ts'

/**
 * Throws UsageError for a place of ours inside the data directory of the reference PDS: a host begun there would be an
 * empty one under the name of those accounts, and blobs of ours among theirs would go with them.
 */
export function refuseForeignFolders(folders: readonly (string | undefined)[]): void {
  for (const folder of folders) {
    if (folder === undefined || !existsSync(join(dirname(folder), 'sequencer.sqlite'))) continue
    throw new UsageError(
      `${folder} lies in the data of the reference PDS, which is only read: take it over with falaj pds adopt, and give --data and --blobs-folder beside it`,
    )
  }
}
