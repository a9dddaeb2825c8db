import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryFiles } from './files-memory.ts'
import { streamsConformance } from './streams.conformance.ts'
import { openLocalStreams } from './streams-local.ts'

streamsConformance('disk', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'falaj-streams-'))
  return {
    open: ({ now }) => openLocalStreams(directory, { now, reserveBytes: 0 }),
    drop: () => rm(directory, { recursive: true }),
  }
})

streamsConformance('disk, with little memory', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'falaj-streams-'))
  const options = { reserveBytes: 0, tailBytes: 600, cacheBytes: 600 }
  return {
    open: ({ now }) => openLocalStreams(directory, { now, ...options }),
    drop: () => rm(directory, { recursive: true }),
  }
})

streamsConformance('a disk in memory', async () => {
  const files = memoryFiles()
  return {
    open: ({ now }) => openLocalStreams('/streams', { now, files, reserveBytes: 0 }),
    drop: async () => {},
  }
})
