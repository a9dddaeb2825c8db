/**
 * Power cuts by the hundred, in this process: people do everything at a host whose journal and blobs
 * lie on a disk that forgets what was not synced, and whose account files are set back to what was. At
 * a random turn the power goes; the next host begins with what is left, at a clock that may have gone
 * back, and an oracle looks at everything. FALAJ_SEED repeats a run.
 */
import assert from 'node:assert/strict'
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { MemoryFiles } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import {
  type Answer,
  type Call,
  type Chances,
  chances,
  Town,
  Unknown,
} from '../../../../network/simulation/index.ts'
import { AccountFile } from '../account-files/index.ts'
import { TestHost } from './host.test-support.ts'

const PEOPLE = 5
const MINUTE_MS = 60_000

/** Copies of account files as they are surely on the disk: taken when a sync begins that succeeds. */
class SyncedFiles {
  readonly #folder: string
  readonly #accounts: string
  readonly #undo: () => void
  /** After the power went nothing reaches the disk, whatever the dying host still does. */
  isOff = false

  constructor(folder: string, accounts: string) {
    this.#folder = folder
    this.#accounts = accounts
    const { sync } = AccountFile.prototype
    const note = (path: string) => void (this.isOff || this.#copyTo(`${this.#folder}/next`, path))
    const keep = (path: string) => void (this.isOff || this.#keep(path))
    AccountFile.prototype.sync = async function (this: AccountFile) {
      note(this.path)
      await sync.call(this)
      keep(this.path)
    }
    this.#undo = () => void (AccountFile.prototype.sync = sync)
  }

  #names(path: string): string[] {
    return [path, `${path}-wal`]
  }

  #copyTo(to: string, path: string): void {
    for (const name of this.#names(path)) {
      const copy = join(to, relative(this.#accounts, name))
      mkdirSync(dirname(copy), { recursive: true })
      rmSync(copy, { force: true })
      if (existsSync(name)) copyFileSync(name, copy)
    }
  }

  #keep(path: string): void {
    for (const name of this.#names(path)) {
      const from = join(this.#folder, 'next', relative(this.#accounts, name))
      const to = join(this.#folder, 'synced', relative(this.#accounts, name))
      mkdirSync(dirname(to), { recursive: true })
      rmSync(to, { force: true })
      if (existsSync(from)) copyFileSync(from, to)
    }
  }

  /** What the disk has of an account file: gone when it was never synced. */
  restore(path: string): void {
    for (const name of [...this.#names(path), `${path}-shm`]) rmSync(name, { force: true })
    for (const name of this.#names(path)) {
      const copy = join(this.#folder, 'synced', relative(this.#accounts, name))
      if (existsSync(copy)) copyFileSync(copy, name)
    }
  }

  end(): void {
    this.#undo()
  }
}

/** Runs so many lives of a host, each ended by a power cut, with the choices of a seed. */
export async function simulatePowerCuts(seed: number, lives: number): Promise<string> {
  const chance = chances(seed)
  const folder = mkdtempSync(join(tmpdir(), 'falaj-cuts-'))
  const kept = mkdtempSync(join(tmpdir(), 'falaj-kept-'))
  const disk = new MemoryFiles(1e12)
  const synced = new SyncedFiles(kept, join(folder, 'accounts'))
  let host = await TestHost.open({ files: disk, blobFiles: disk, folder, seed })
  let power = Promise.withResolvers<never>()
  power.promise.catch(() => {})
  let isUp = true
  let newestMs = 0
  const call = async (verb: 'GET' | 'POST', nsid: string, given: Call = {}): Promise<Answer> => {
    const { headers, ...rest } = given
    const answer = await Promise.race([
      host.call(verb, nsid, { ...rest, ...(headers && { headers }) }),
      power.promise,
    ])
    if (answer.status >= 500) throw new Unknown(`${nsid}: ${JSON.stringify(answer.body)}`)
    return answer
  }
  const town = new Town({
    world: {
      call,
      isUp: () => isUp,
    },
    chance,
    size: PEOPLE,
    keyOf: async (did: Did) => (await host.signingKey(did))!,
    follow: (cursor, hear) => host.hear(cursor, hear),
  })
  try {
    for (let life = 0; life < lives; life++) {
      const living = town.live()
      const loop = chance() < 0.5 ? host.loop('checkpoints') : undefined
      const aim = town.doneCount + chance.upTo(60)
      while (town.doneCount < aim) {
        if (chance() < 0.02) await host.outside.advance(10_001)
        await new Promise((resolve) => setImmediate(resolve))
      }
      for (let turns = chance.upTo(12); turns > 0; turns--) {
        await new Promise((resolve) => setImmediate(resolve))
      }
      isUp = false
      synced.isOff = true
      disk.powerCut(chance() < 0.3 ? undefined : chance)
      const left = host.copy()
      power.reject(new Unknown('the power went'))
      await living
      await loop?.stop()
      await host.close({ keep: true }).catch(() => {})
      loseFiles(host, folder, left, synced, chance)
      // The clock went back, by less than makes an own export one of the future; or on.
      newestMs = Math.max(newestMs, host.outside.now())
      host.outside.setNow(newestMs + (chance() < 0.3 ? -4 : 1) * chance.upTo(MINUTE_MS))
      power = Promise.withResolvers<never>()
      power.promise.catch(() => {})
      synced.isOff = false
      host = await host.again({ files: disk, blobFiles: disk, folder })
      isUp = true
      await town.settle()
      assert.equal(host.metrics.value('pds_stopped_accounts'), 0, `life ${life} of seed ${seed}`)
    }
    await town.hearAgain()
    return town.describe()
  } finally {
    synced.end()
    await host.close({ keep: true }).catch(() => {})
    for (const one of [folder, kept]) rmSync(one, { recursive: true, force: true })
  }
}

/** Puts what was there when the power went in the place of what the dying host did afterwards. */
function loseFiles(
  host: TestHost,
  folder: string,
  left: string,
  synced: SyncedFiles,
  chance: Chances,
): void {
  rmSync(folder, { recursive: true })
  cpSync(left, folder, { recursive: true })
  rmSync(left, { recursive: true })
  for (const path of host.accountFiles()) if (chance() < 0.6) synced.restore(path)
}
