import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { type LineProcess, lineProcess } from './line-process.ts'

/** A program that does with each line what `body` says; `line` is the line, `say` answers. */
const program = (body: string) => [
  process.execPath,
  '-e',
  `const say = (text) => process.stdout.write(text + '\\n')
   require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => { ${body} })`,
]

describe('a process that answers lines', () => {
  let child: LineProcess
  let complaints: string[]

  const open = (command: readonly string[], timeoutMs = 20_000) => {
    complaints = []
    child = lineProcess({ command, timeoutMs, onComplaint: (line) => complaints.push(line) })
  }
  afterEach(() => child.close())

  test('is asked one question at a time, in order', async () => {
    open(program('say(line.toUpperCase())'))
    const answers = await Promise.all(['one', 'two', 'three'].map((text) => child.ask(text)))
    assert.deepEqual(answers, ['ONE', 'TWO', 'THREE'])
  })

  test('that ends fails the question under way, and is started again for the next', async () => {
    open(program('line === "die" ? process.exit(3) : say(String(process.pid))'))
    const first = await child.ask('pid')
    const dying = child.ask('die')
    const behind = child.ask('pid')
    await assert.rejects(dying, /ended \(3\)/)
    assert.notEqual(await behind, first)
    assert.ok(complaints.includes('ended (3)'))
  })

  test('that is silent is ended, and its question fails', async () => {
    open(program('if (line !== "hush") say("well")'), 150)
    await assert.rejects(child.ask('hush'), /said nothing for 150 ms/)
    assert.ok(complaints.length > 0)
  })

  test('that never ends a line is ended', async () => {
    open(program('process.stdout.write("x".repeat(100_000))'))
    await assert.rejects(child.ask('tell'), /said too much/)
  })

  test('that says things unasked does not shift its answers', async () => {
    open(program('say("answer to " + line + "\\nand more")'))
    assert.equal(await child.ask('a'), 'answer to a')
    assert.equal(await child.ask('b'), 'answer to b')
  })

  test('that cannot be run fails with its name', async () => {
    open(['no-such-program-of-ours'])
    await assert.rejects(child.ask('x'), /no-such-program-of-ours cannot be run/)
  })

  test('may complain on stderr, within bounds', async () => {
    open(program('console.error("c".repeat(2000)); setTimeout(() => say("ok"), 100)'))
    assert.equal(await child.ask('x'), 'ok')
    assert.equal(complaints[0]?.length, 500)
  })

  test('is asked in single lines only, and nothing after it is closed', async () => {
    open(program('say(line)'))
    await assert.rejects(child.ask('a\nb'), /one line/)
    await child.ask('a')
    const late = child.ask('b')
    const refused = assert.rejects(late)
    await child.close()
    await refused.catch(() => {})
    await assert.rejects(child.ask('c'), /closed/)
  })
})
