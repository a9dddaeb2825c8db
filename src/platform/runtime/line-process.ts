/** A child process that answers lines: a question on its stdin, an answer on its stdout. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'

export interface LineProcessOptions {
  /** The program and its words; no shell reads them. */
  command: readonly string[]
  /** Without an answer for so long it is ended, and started anew for the next question. */
  timeoutMs: number
  /** Told of each line on its stderr, and of how it ended. */
  onComplaint(line: string): void
}

export interface LineProcess {
  /**
   * Resolves to the answer, without its line end. Questions are asked one at a time, in order. Rejects
   * when the process cannot be started, ends, is silent too long, says too much, or when too many wait.
   */
  ask(question: string): Promise<string>
  close(): Promise<void>
}

const ANSWER_BYTES_MAX = 64 * 1024
const COMPLAINT_CHARS_MAX = 500
const WAITING_MAX = 1_000

interface Question {
  text: string
  resolve(answer: string): void
  reject(error: Error): void
}

/** The process is started with the first question, and again after it ended. */
export function lineProcess(options: LineProcessOptions): LineProcess {
  const waiting: Question[] = []
  let child: ChildProcessWithoutNullStreams | undefined
  let asked: Question | undefined
  let timer: NodeJS.Timeout | undefined
  let said = ''
  let closed = false

  function start(): ChildProcessWithoutNullStreams {
    const [program, ...words] = options.command
    const made = spawn(program!, words, { stdio: 'pipe' })
    const over = (why: string) => {
      if (child !== made) return
      child = undefined
      said = ''
      options.onComplaint(why)
      fail(new Error(`${program} ${why}`))
    }
    made.on('error', (error) => over(`cannot be run: ${error.message}`))
    made.on('exit', (code, signal) => over(`ended (${signal ?? code})`))
    made.stdin.on('error', () => {}) // how it ended is told by exit
    made.stdout.setEncoding('utf8').on('data', heard)
    made.stderr.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.trim().split('\n')) {
        options.onComplaint(line.slice(0, COMPLAINT_CHARS_MAX))
      }
    })
    return made
  }

  function heard(text: string): void {
    said += text
    const end = said.indexOf('\n')
    if (end < 0) {
      if (said.length > ANSWER_BYTES_MAX) giveUp('said too much')
      return
    }
    const answer = said.slice(0, end).replace(/\r$/, '')
    // What was said unasked belongs to no question.
    said = ''
    settle((question) => question.resolve(answer))
  }

  function giveUp(why: string): void {
    const ended = child
    child = undefined
    said = ''
    ended?.kill('SIGKILL')
    options.onComplaint(why)
    fail(new Error(`${options.command[0]} ${why}`))
  }

  const fail = (error: Error) => settle((question) => question.reject(error))

  function settle(tell: (question: Question) => void): void {
    const question = asked
    asked = undefined
    clearTimeout(timer)
    if (question) tell(question)
    next()
  }

  function next(): void {
    if (asked || closed) return
    asked = waiting.shift()
    if (!asked) return
    child ??= start()
    timer = setTimeout(() => giveUp(`said nothing for ${options.timeoutMs} ms`), options.timeoutMs)
    child.stdin.write(`${asked.text}\n`)
  }

  return {
    ask(text) {
      if (closed) return Promise.reject(new Error('the process is closed'))
      if (/[\r\n]/.test(text)) return Promise.reject(new Error('a question is one line'))
      if (waiting.length >= WAITING_MAX) return Promise.reject(new Error('too many questions wait'))
      return new Promise((resolve, reject) => {
        waiting.push({ text, resolve, reject })
        next()
      })
    },
    async close() {
      closed = true
      const ended = child
      child = undefined
      fail(new Error('the process is closed'))
      for (const question of waiting.splice(0)) question.reject(new Error('the process is closed'))
      if (!ended || ended.exitCode !== null || ended.signalCode !== null) return
      const exit = new Promise((resolve) => ended.once('exit', resolve))
      ended.stdin.end()
      const kill = setTimeout(() => ended.kill('SIGKILL'), 500)
      await exit
      clearTimeout(kill)
    },
  }
}
