/** `falaj export` and `falaj import`: an account in one file, and back. docs/operating/archive.md */
import { createWriteStream, existsSync, renameSync, rmSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ConfigError, zip } from '#platform/runtime'
import {
  type ArchiveStep,
  restoreArchive,
  signIn,
  type TakenArchive,
  takeArchive,
} from '#protocol/account'
import type { Fetch } from '#protocol/xrpc'
import { openAccountArchive } from './archive.ts'
import { readFlags, readOrigin, requireFlags } from './flags.ts'
import { ownerNetwork } from './owner-network.ts'
import { readPassword } from './password.ts'
import { ask, endProgress, showProgress, tell } from './terminal.ts'

const FLAGS = {
  host: 'value',
  handle: 'value',
  'password-file': 'value',
  language: 'value',
  replace: 'switch',
  json: 'switch',
} as const

type Flags = ReturnType<typeof readFlags>['flags']

async function signedIn(flags: Flags, fetch: Fetch) {
  const { host, handle } = requireFlags(flags, ['host', 'handle'])
  const service = readOrigin('host', host)
  return signIn({ service, fetch }, handle, await readPassword(flags), {
    askFactor: () => ask('Code of your second factor, or from the letter that was just sent'),
  })
}

function oneFile(words: readonly string[], usage: string): string {
  const [file] = words
  if (words.length === 1 && file) return file
  throw new ConfigError([`usage: ${usage}`])
}

/** Writes everything of an account into one ZIP archive. Never leaves half of one under its name. */
export async function runExport(args: readonly string[]): Promise<number> {
  const { flags, words } = readFlags(args, FLAGS)
  const file = oneFile(words, 'falaj export --host URL --handle NAME [--language ar|en] FILE.zip')
  const language = flags.language ?? 'ar'
  if (language !== 'ar' && language !== 'en') throw new ConfigError(['--language is ar or en'])
  if (existsSync(file)) throw new ConfigError([`${file} is there already`])
  const network = ownerNetwork()
  const draft = `${file}.part`
  try {
    const session = await signedIn(flags, network.fetch as Fetch)
    const taken: TakenArchive = { blobs: 0, missingBlobs: [], silent: [] }
    const progress = ({ done }: { done: number }) => {
      if (done % 50 === 0) showProgress(`taking pictures and files: ${done}`)
    }
    showProgress('taking the records')
    const files = takeArchive(session, { language, now: Date.now, progress }, taken)
    await pipeline(Readable.from(zip(files, Date.now())), createWriteStream(draft, { mode: 0o600 }))
    renameSync(draft, file)
    endProgress()
    const { blobs, missingBlobs, silent } = taken
    return tell(
      flags,
      { file, ...taken },
      `${file}: records, ${blobs} blobs${missingBlobs.length > 0 ? ` (${missingBlobs.length} the host does not have)` : ''}, preferences${silent.length > 0 ? `; nobody gave ${silent.join(', ')}` : ''}\n`,
    )
  } finally {
    rmSync(draft, { force: true })
    await network.close()
  }
}

const LABELS: Readonly<Record<ArchiveStep, string>> = {
  pause: 'pausing the account',
  repo: 'bringing the records back',
  blobs: 'bringing pictures and files back',
  private: 'bringing preferences back',
  open: 'opening the account',
}

/** Takes an archive back into the account it is of, in place of what the account has. */
export async function runImport(args: readonly string[]): Promise<number> {
  const { flags, words } = readFlags(args, FLAGS)
  const file = oneFile(words, 'falaj import --host URL --handle NAME --replace FILE.zip')
  if (!flags.replace) {
    throw new ConfigError([
      '--replace is needed: the archive takes the place of everything the account has there',
    ])
  }
  const network = ownerNetwork()
  const archive = await openAccountArchive(file)
  try {
    const session = await signedIn(flags, network.fetch as Fetch)
    const steps = restoreArchive(session, archive)
    for (;;) {
      const next = await steps.next()
      if (next.done) {
        endProgress()
        const { records, blobs, missingBlobs, preferences, appviewItems, mutes } = next.value
        const lost = missingBlobs.length > 0 ? ` (${missingBlobs.length} not in the archive)` : ''
        const text = `${session.state.handle}: ${records} records, ${blobs} blobs${lost}, ${preferences} preferences, ${appviewItems > 0 ? `${appviewItems} mutes, bookmarks and drafts` : `${mutes} mutes`}\n`
        return tell(flags, next.value, text)
      }
      const { step, done, total } = next.value
      const count = done === undefined || total === undefined ? undefined : { done, total }
      showProgress(LABELS[step], count)
    }
  } finally {
    await archive.close()
    await network.close()
  }
}
