import { afterEach, beforeEach } from 'node:test'
import type { Entry, NewEntry, ReadOptions, Stream, Streams } from './contracts.ts'

/** One place where streams live; opening it again finds what was there. */
export interface StreamsHome {
  open(options: { now: () => number }): Promise<Streams>
  drop(): Promise<void>
}

/** The streams of the test that runs. */
export interface StreamsRig {
  home: StreamsHome
  streams: Streams
  nowMs: number
  /** Closes everything and opens it again. */
  reopen(): Promise<void>
}

/** Opens a home before each test of the describe that calls it, and drops it afterwards. */
export function streamsRig(makeHome: () => Promise<StreamsHome>): StreamsRig {
  const rig = {
    nowMs: 0,
    async reopen() {
      await rig.streams.close()
      rig.streams = await rig.home.open({ now: () => rig.nowMs })
    },
  } as StreamsRig
  beforeEach(async () => {
    rig.nowMs = 1_000
    rig.home = await makeHome()
    rig.streams = await rig.home.open({ now: () => rig.nowMs })
  })
  afterEach(async () => {
    await rig.streams.close()
    await rig.home.drop()
  })
  return rig
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (payload: Uint8Array): string => new TextDecoder().decode(payload)

export function entry(payload: string | Uint8Array, key = 'k', kind = 0): NewEntry {
  return { key, kind, make: () => (typeof payload === 'string' ? bytes(payload) : payload) }
}

export async function put(stream: Stream, ...payloads: string[]): Promise<number> {
  const appended = stream.append(payloads.map((payload) => entry(payload)))
  await appended.durable
  return appended.last
}

export async function collect(batches: AsyncIterable<readonly Entry[]>): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const batch of batches) entries.push(...batch)
  return entries
}

export async function payloads(
  stream: Stream,
  options: Partial<ReadOptions> = {},
): Promise<string[]> {
  const entries = await collect(stream.read({ after: 0, ...options }))
  return entries.map(({ payload }) => text(payload))
}

export async function seqs(batches: AsyncIterable<readonly Entry[]>): Promise<number[]> {
  return (await collect(batches)).map(({ seq }) => seq)
}

export const code = (name: string) => ({ code: name })
