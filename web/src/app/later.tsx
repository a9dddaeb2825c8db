/** Pages and dialogs whose script comes when they are first gone to. */
import { signal } from '@preact/signals'
import type { ComponentType, VNode } from 'preact'
import { type Problem, problemOf } from '../data/problem.ts'
import { PostBones, Trouble } from '../parts/states.tsx'

/**
 * A component that loads itself when it is first shown: bones meanwhile, and words with a second
 * try when it cannot be had. `quiet` shows nothing meanwhile, for dialogs.
 */
export function later<P extends object>(
  load: () => Promise<ComponentType<P>>,
  options: { quiet?: boolean } = {},
): (props: P) => VNode | null {
  const loaded = signal<ComponentType<P> | undefined>(undefined)
  const problem = signal<Problem | undefined>(undefined)
  let loading = false
  async function begin() {
    if (loading) return
    loading = true
    problem.value = undefined
    try {
      loaded.value = await load()
    } catch (error) {
      // A part of the client that does not come is the network's news, whatever the engine calls it.
      const { detail } = problemOf(error)
      problem.value = { kind: navigator.onLine ? 'unreachable' : 'offline', host: '', detail }
    } finally {
      loading = false
    }
  }
  return function Later(props: P) {
    const Shown = loaded.value
    if (Shown) return <Shown {...props} />
    if (problem.value) return <Trouble problem={problem.value} retry={() => void begin()} />
    void begin()
    return options.quiet ? null : <PostBones />
  }
}
