/** The move that is under way, for the page to follow; it goes on while other pages are looked at. */
import { signal } from '@preact/signals'
import { type Answers, goOn, type MoveState, type Step } from './move.ts'
import { type Problem, problemOf } from './problem.ts'

export interface Running {
  state: MoveState
  at: Step | 'done'
  count?: { done: number; total: number }
  /** It stopped: by a failure, or because the page was left. */
  stopped?: Problem | 'paused'
  /** The old host has mailed a code, and waits for it. */
  giveCode?: (code: string) => void
}

export const running = signal<Running | undefined>(undefined)

/** Whether a move is going on right now. */
export const isMoving = () => running.peek() !== undefined && running.peek()?.stopped === undefined

/** Takes up the state from where it stands and follows it to the end. */
export async function run(state: MoveState, answers: Omit<Answers, 'askCode'>): Promise<void> {
  if (isMoving()) return
  running.value = { state, at: state.step }
  addEventListener('beforeunload', warn)
  try {
    const progress = goOn(state, { ...answers, askCode })
    for (;;) {
      const next = await progress.next()
      if (next.done) break
      const { step, done, total } = next.value
      const count = done !== undefined && total !== undefined ? { done, total } : undefined
      change({ at: step, count })
    }
    change({ at: 'done', count: undefined })
  } catch (error) {
    change({ at: state.step, stopped: problemOf(error), giveCode: undefined })
  } finally {
    removeEventListener('beforeunload', warn)
  }
}

function change(fields: Partial<Running>): void {
  const current = running.peek()
  if (current) running.value = { ...current, ...fields }
}

function askCode(): Promise<string> {
  return new Promise((resolve) => {
    change({
      giveCode: (code) => {
        change({ giveCode: undefined })
        resolve(code)
      },
    })
  })
}

// Leaving is safe, but staying is quicker; the browser asks in its own words.
function warn(event: BeforeUnloadEvent): void {
  event.preventDefault()
}
