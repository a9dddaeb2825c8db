/** A standby of a test's host, in the same process. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createLog,
  createMetrics,
  type Fetch,
  type Metrics,
  realOutside,
  superviseLoops,
} from '#platform/runtime'
import { openDiskBlobs, openLocalStreams } from '#platform/storage'
import type { StandbyStatus } from '#protocol/account'
import { SEALING_KEY, type TestHost } from '../testing/host.test-support.ts'
import { Standby } from './standby.ts'

export const SECRET = 'a-secret-that-two-hosts-share'

export interface TestStandby {
  folder: string
  standby: Standby
  metrics: Metrics
  /** What it logged as a warning or an error. */
  said: string[]
  /** The key it was given. */
  key(): Uint8Array | undefined
  status(): StandbyStatus
  /** Resolves when all that the host has is here. */
  inStep(): Promise<void>
  until(isTrue: (status: StandbyStatus) => boolean): Promise<void>
  /** Ends it in good order; its folder stays. */
  stop(): Promise<void>
  close(): Promise<void>
  /** The host on the folder of the standby, after `standby.promote`. */
  host(): TestHost
}

/** Opens a standby that reaches `of` by `fetch`; promoted, it opens what `openHost` opens on its folder. */
export async function openStandby(options: {
  of: string
  fetch: Fetch
  folder?: string
  openHost?: (folder: string) => Promise<TestHost>
}): Promise<TestStandby> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'falaj-standby-'))
  const said: string[] = []
  const log = createLog({ level: 'warn', write: (line) => said.push(line) })
  const metrics = createMetrics()
  const outside = realOutside({ allowPrivate: true })
  const streams = await openLocalStreams(join(folder, 'streams'), { reserveBytes: 0 })
  let key: Uint8Array | undefined
  let host: TestHost | undefined
  const standby = await Standby.open({
    of: options.of,
    secret: SECRET,
    directoryPath: join(folder, 'directory.sqlite'),
    memoryPath: join(folder, 'standby.sqlite'),
    accountsDirectory: join(folder, 'accounts'),
    openFilesMax: 64,
    retentionMs: 3_600_000,
    retentionBytes: 1e9,
    streams,
    blobs: await openDiskBlobs(join(folder, 'blobs'), { reserveBytes: 0 }),
    fetch: options.fetch,
    keepHostKey: (given) => void (key = given),
    lease: undefined,
    async openHost() {
      await streams.close()
      host = await options.openHost!(folder)
      return host.service
    },
    outside,
    log,
    metrics,
    version: 'test',
    onFatal: (error) => said.push(String(error)),
  })
  const running = superviseLoops(standby.loops, { outside, log, metrics })
  const until = async (isTrue: (status: StandbyStatus) => boolean) => {
    const deadlineMs = Date.now() + 20_000
    while (Date.now() < deadlineMs) {
      if (isTrue(standby.status())) return
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    throw new Error(`it never came true: ${JSON.stringify(standby.status())} ${said.join('\n')}`)
  }
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= (async () => {
      await running.stop()
      await standby.close()
      await streams.close()
    })()
    return stopped
  }
  return {
    folder,
    standby,
    metrics,
    said,
    key: () => key,
    status: () => standby.status(),
    until,
    inStep: () => until(({ state, lagEntries }) => state === 'following' && lagEntries === 0),
    stop,
    async close() {
      await stop()
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
    },
    host: () => host!,
  }
}

export { SEALING_KEY }
