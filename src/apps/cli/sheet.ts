/** The sixteen words of a recovery key, as somebody types them. */
import { readFileSync } from 'node:fs'
import { ConfigError } from '#platform/runtime'
import { RECOVERY_SHEET_WORDS, type ReadSheet, readRecoverySheet } from '#protocol/identity'
import { ask } from './terminal.ts'

/** From a file, standard input (`-`) or the terminal. What was mistyped is told, and put right. */
export async function readWords(file: string | undefined): Promise<Uint8Array> {
  const typed = file
    ? readFileSync(file === '-' ? 0 : file, 'utf8')
    : await ask(`The ${RECOVERY_SHEET_WORDS} words or numbers of the sheet`, { secret: true })
  const sheet = readRecoverySheet(typed)
  if (sheet.kind !== 'read') throw new ConfigError(whyUnread(sheet))
  for (const { place, read, meant } of sheet.mended)
    process.stderr.write(
      `word ${place} was read as “${read}”: it must be “${meant.word}” (${meant.code})\n`,
    )
  return sheet.secret
}

function whyUnread(sheet: Exclude<ReadSheet, { kind: 'read' }>): string[] {
  if (sheet.kind === 'count')
    return [`a sheet has ${RECOVERY_SHEET_WORDS} words, here are ${sheet.count}`]
  if (sheet.kind === 'foreign') return ['the words fit, but another kind of program wrote them']
  const unknown = sheet.unknown.map(({ place, read, like }) => {
    const hint = like.length > 0 ? `; perhaps ${like.join(', ')}` : ''
    return `word ${place}, “${read}”, is none of the list${hint}`
  })
  return ['too many words are wrong to say which: look at the sheet again', ...unknown]
}
