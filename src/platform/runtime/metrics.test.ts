import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addProcessMetrics, createMetrics } from './metrics.ts'

test('counters and gauges are written in the Prometheus text form', () => {
  const metrics = createMetrics({ labels: { service: 'pds' } })
  metrics.counter('writes', 'Writes done').add()
  metrics.counter('writes', 'Writes done').add(2)
  const open = metrics.gauge('open', 'Open files', ['kind'])
  open.with('account').set(3)
  open.with('say "hi"\n\\').add(-1)
  assert.equal(
    metrics.text(),
    `# HELP falaj_writes Writes done
# TYPE falaj_writes counter
falaj_writes{service="pds"} 3
# HELP falaj_open Open files
# TYPE falaj_open gauge
falaj_open{service="pds",kind="account"} 3
falaj_open{service="pds",kind="say \\"hi\\"\\n\\\\"} -1
`,
  )
})

test('a histogram counts cumulatively and sums', () => {
  const metrics = createMetrics({ prefix: '' })
  const seconds = metrics.histogram('s', 'Time', [], [0.1, 1])
  for (const value of [0.05, 0.1, 0.5, 7]) seconds.observe(value)
  const lines = metrics.text().split('\n').slice(2, 7)
  assert.deepEqual(lines, [
    's_bucket{le="0.1"} 2',
    's_bucket{le="1"} 3',
    's_bucket{le="+Inf"} 4',
    's_sum 7.65',
    's_count 4',
  ])
})

test('labels are bounded: the five hundred and first value counts as other', () => {
  const metrics = createMetrics()
  const seen = metrics.counter('seen', 'Seen', ['who'])
  for (let i = 0; i < 2000; i++) seen.with(`user${i}`).add()
  assert.equal(metrics.value('seen', 'user7'), 1)
  assert.equal(metrics.value('seen', 'user1999'), 0)
  assert.equal(metrics.value('seen', 'other'), 1500)
})

test('a gauge may be read on demand, and only then', () => {
  const metrics = createMetrics()
  let asked = 0
  metrics.gauge('size', 'Size', [], () => ++asked)
  assert.equal(asked, 0)
  assert.match(metrics.text(), /falaj_size 1\n/)
})

test('one name cannot mean two metrics, nor take the wrong number of labels', () => {
  const metrics = createMetrics()
  metrics.counter('a', 'A', ['x'])
  assert.throws(() => metrics.gauge('a', 'A', ['x']), /declared in two ways/)
  assert.throws(() => metrics.counter('a', 'A', ['y']), /declared in two ways/)
  assert.throws(() => metrics.counter('a', 'A', ['x']).with('1', '2'), /takes 1 labels/)
})

test('the process tells its memory, CPU and age', () => {
  const metrics = createMetrics()
  addProcessMetrics(metrics)
  assert.ok(metrics.value('process_resident_memory_bytes') > 1_000_000)
  assert.ok(metrics.value('process_cpu_seconds') > 0)
})
