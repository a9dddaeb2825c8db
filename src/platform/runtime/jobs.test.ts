import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { createJobs, type JobKind, type JobsSql, jobsTableSql } from './jobs.ts'
import { createMetrics } from './metrics.ts'
import { gate, logTo } from './rig.fixture.ts'
import { type TestOutside, testOutside } from './test-outside.ts'

/** The least that jobs ask of a database. */
function database(): JobsSql {
  const db = new DatabaseSync(':memory:')
  db.exec(jobsTableSql)
  return {
    all: async <T>(sql: string, params: readonly (string | number | null)[] = []) =>
      db.prepare(sql).all(...params) as T[],
    get: async <T>(sql: string, params: readonly (string | number | null)[] = []) =>
      db.prepare(sql).get(...params) as T | undefined,
    run: async (sql, params = []) => ({ changes: Number(db.prepare(sql).run(...params).changes) }),
  }
}

interface Options {
  sql?: JobsSql
  outside?: TestOutside
  concurrency?: number
}

// biome-ignore lint/suspicious/noExplicitAny: each test knows its payloads
function jobsOf(kinds: Record<string, JobKind<any, any>>, options: Options = {}) {
  const { sql = database(), outside = testOutside(), concurrency } = options
  const metrics = createMetrics()
  const lines: string[] = []
  const jobs = createJobs({ sql, kinds, outside, log: logTo(lines), metrics, concurrency })
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  return {
    jobs,
    sql,
    outside,
    metrics,
    lines,
    start: () => void (running = jobs.loop.run(stopping.signal)),
    async stop() {
      stopping.abort()
      await running
    },
  }
}

test('a job runs with its payload, and leaves nothing behind', async () => {
  const seen: unknown[] = []
  const rig = jobsOf({
    mail: { run: async ({ key, payload, attempt }) => void seen.push([key, payload, attempt]) },
  })
  rig.start()
  assert.equal(await rig.jobs.add('mail', 'alice', { to: 'a@b' }), true)
  await rig.outside.advance(0)
  assert.deepEqual(seen, [['alice', { to: 'a@b' }, 1]])
  assert.equal(await rig.jobs.get('mail', 'alice'), undefined)
  assert.equal(rig.metrics.value('jobs', 'mail', 'done'), 1)
  await rig.stop()
})

test('one key is one job, until it is done', async () => {
  let runs = 0
  const rig = jobsOf({ sync: { run: async () => void runs++ } })
  assert.equal(await rig.jobs.add('sync', 'did:plc:a', 1), true)
  assert.equal(await rig.jobs.add('sync', 'did:plc:a', 2), false)
  rig.start()
  await rig.outside.advance(0)
  assert.equal(runs, 1)
  assert.equal(await rig.jobs.add('sync', 'did:plc:a', 3), true)
  await rig.outside.advance(0)
  assert.equal(runs, 2)
  await rig.stop()
})

test('a job waits for its time, and is not looked for before', async () => {
  const outside = testOutside()
  const ranMs: number[] = []
  let queries = 0
  const sql = database()
  const counted: JobsSql = {
    ...sql,
    all(text, params) {
      queries++
      return sql.all(text, params)
    },
  }
  const rig = jobsOf(
    { later: { run: async () => void ranMs.push(outside.now()) } },
    { sql: counted, outside },
  )
  rig.start()
  const startMs = outside.now()
  await rig.jobs.add('later', 'a', null, startMs + 600_000)
  await outside.advance(0)
  queries = 0
  await outside.advance(599_999)
  assert.deepEqual([ranMs, queries], [[], 0])
  await outside.advance(1)
  assert.deepEqual(ranMs, [startMs + 600_000])
  await rig.stop()
})

test('a failing job is tried a bounded number of times, and keeps its last reason', async () => {
  let tries = 0
  const rig = jobsOf({
    flaky: {
      maxAttempts: 3,
      run: async () => {
        throw new Error(`no luck ${++tries}`)
      },
    },
  })
  rig.start()
  await rig.jobs.add('flaky', 'a')
  await rig.outside.advance(3_600_000)
  assert.equal(tries, 3)
  const status = await rig.jobs.get('flaky', 'a')
  assert.equal(status?.state, 'failed')
  assert.equal(status?.attempts, 3)
  assert.equal(status?.lastError, 'no luck 3')
  assert.equal(rig.metrics.value('jobs', 'flaky', 'failed'), 1)
  assert.equal(rig.metrics.value('jobs', 'flaky', 'retried'), 2)
  assert.equal(await rig.jobs.retry('flaky', 'a'), true)
  await rig.outside.advance(0)
  assert.equal(tries, 4)
  await rig.stop()
})

test('progress is kept at once, and the next try starts from it, also in another process', async () => {
  const sql = database()
  const seen: unknown[] = []
  const copy: JobKind<null, { blobs: number }> = {
    run: async ({ progress, saveProgress }) => {
      seen.push(progress?.blobs)
      await saveProgress({ blobs: (progress?.blobs ?? 0) + 10 })
      throw new Error('cut')
    },
  }
  const first = jobsOf({ copy }, { sql })
  first.start()
  await first.jobs.add('copy', 'a')
  await first.outside.advance(0)
  await first.stop()
  const second = jobsOf({ copy }, { sql, outside: first.outside })
  second.start()
  await second.outside.advance(1_000)
  await second.stop()
  assert.deepEqual(seen.slice(0, 2), [undefined, 10])
})

test('a stop in the middle is no failure: the job resumes with the next start', async () => {
  const sql = database()
  const begun = gate()
  const first = jobsOf(
    {
      move: {
        run: ({ signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason))
            begun.open()
          }),
      },
    },
    { sql },
  )
  first.start()
  await first.jobs.add('move', 'a')
  await begun.promise
  await first.stop()
  const left = await first.jobs.get('move', 'a')
  assert.deepEqual([left?.state, left?.attempts], ['waiting', 0])
  let resumed = false
  const second = jobsOf({ move: { run: async () => void (resumed = true) } }, { sql })
  second.start()
  await second.outside.advance(0)
  assert.ok(resumed)
  await second.stop()
})

test('a kind that keeps its rows shows what it did', async () => {
  const rig = jobsOf({
    move: {
      keep: true,
      run: async ({ saveProgress }) => await saveProgress({ receipt: 'signed' }),
    },
  })
  rig.start()
  await rig.jobs.add('move', 'a', { to: 'pds2' })
  await rig.outside.advance(0)
  const status = await rig.jobs.get('move', 'a')
  assert.equal(status?.state, 'done')
  assert.deepEqual(status?.progress, { receipt: 'signed' })
  assert.equal(await rig.jobs.retry('move', 'a'), false)
  assert.equal((await rig.jobs.list('move')).length, 1)
  assert.equal(await rig.jobs.remove('move', 'a'), true)
  await rig.stop()
})

test('so many run at once, and all run in the end', async () => {
  let now = 0
  let most = 0
  let done = 0
  const rig = jobsOf(
    {
      work: {
        run: async () => {
          most = Math.max(most, ++now)
          await rig.outside.timers.sleep(10)
          now--
          done++
        },
      },
    },
    { concurrency: 3 },
  )
  rig.start()
  for (let i = 0; i < 20; i++) await rig.jobs.add('work', String(i))
  await rig.outside.advance(1_000)
  assert.deepEqual([most, done], [3, 20])
  await rig.stop()
})

test('a kind without a handler waits for a version that has one', async () => {
  const rig = jobsOf({ known: { run: async () => {} } })
  rig.start()
  await rig.jobs.add('unknown', 'a')
  await rig.jobs.add('known', 'a')
  await rig.outside.advance(60_000)
  assert.equal((await rig.jobs.get('unknown', 'a'))?.state, 'waiting')
  assert.equal(await rig.jobs.get('known', 'a'), undefined)
  await rig.stop()
})

test('what the store does not take is tried again after a pause, not all the time', async () => {
  const real = database()
  let isFull = true
  const sql: JobsSql = {
    ...real,
    run: (text, params) =>
      isFull && !text.startsWith('insert')
        ? Promise.reject(new Error('database or disk is full'))
        : real.run(text, params),
  }
  let runs = 0
  const rig = jobsOf({ mail: { run: async () => void runs++ } }, { sql })
  rig.start()
  await rig.jobs.add('mail', 'alice')
  for (let i = 0; i < 20; i++) await rig.outside.advance(10)
  assert.equal(runs, 1)
  await rig.outside.advance(5_000)
  assert.equal(runs, 2)
  isFull = false
  await rig.outside.advance(5_000)
  assert.equal(runs, 3)
  assert.equal(await rig.jobs.get('mail', 'alice'), undefined)
  await rig.stop()
})
