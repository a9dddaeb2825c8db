/** A post, what it answers, and what answers it. */
import { useSignal } from '@preact/signals'
import { isDid } from 'falaj/protocol/syntax'
import { useEffect, useRef } from 'preact/hooks'
import { place } from '../app/router.ts'
import { nameOf } from '../data/actions.ts'
import { didOf } from '../data/identity.ts'
import { keepPost, knownPost, postOf } from '../data/keep.ts'
import { type Problem, problemOf } from '../data/problem.ts'
import { me, read } from '../data/session.ts'
import { type Gone, isThread, type Post, type ThreadNode } from '../data/views.ts'
import { CallError } from '../data/xrpc.ts'
import { replied, startWriting } from '../parts/composer-state.ts'
import { Head } from '../parts/page.tsx'
import { FocusPost, GonePost, PostView } from '../parts/post.tsx'
import { PostBones, Trouble } from '../parts/states.tsx'
import { rich, t } from '../words/index.ts'

type State =
  | { is: 'loading'; post?: Post }
  | { is: 'ready'; node: ThreadNode }
  | { is: 'gone'; gone: Gone }
  | { is: 'failed'; problem: Problem }

/** Threads read before, so that going back shows them at once. */
const seen = new Map<string, ThreadNode>()
const seenLimit = 30

export function Thread({ actor, rkey }: { actor: string; rkey: string }) {
  const state = useSignal<State>({ is: 'loading' })
  const turn = useSignal(0)
  const viewer = me.value?.did
  useEffect(() => {
    let here = true
    const set = (next: State) => {
      if (here) state.value = next
    }
    void load(actor, rkey, set)
    return () => {
      here = false
    }
  }, [actor, rkey, turn.value, viewer])
  useEffect(() => {
    const onReply = (event: Event) => {
      const { post, to } = (event as CustomEvent<{ post: Post; to: string }>).detail
      const current = state.peek()
      if (current.is === 'ready')
        state.value = { ...current, node: withReply(current.node, post, to) }
    }
    replied.addEventListener('reply', onReply)
    return () => replied.removeEventListener('reply', onReply)
  }, [])

  const current = state.value
  return (
    <>
      <Head title={t('thread.title')} up="/" />
      {current.is === 'loading' && (
        <>
          {current.post && <FocusPost post={current.post} />}
          <PostBones count={current.post ? 3 : 4} />
        </>
      )}
      {current.is === 'failed' && (
        <Trouble
          problem={current.problem}
          retry={() => {
            state.value = { is: 'loading' }
            turn.value += 1
          }}
        />
      )}
      {current.is === 'gone' && <GonePost gone={current.gone} />}
      {current.is === 'ready' && <Conversation node={current.node} key={current.node.post.uri} />}
    </>
  )
}

async function load(actor: string, rkey: string, set: (state: State) => void): Promise<void> {
  try {
    const did = isDid(actor) ? actor : await didOf(actor)
    if (did === undefined) {
      throw new CallError({ status: 404, error: 'NotFound', message: actor, host: '' })
    }
    const uri = `at://${did}/app.bsky.feed.post/${rkey}`
    const viewer = me.peek()?.did ?? ''
    const before = seen.get(`${viewer} ${uri}`)
    if (before) set({ is: 'ready', node: before })
    else set({ is: 'loading', post: knownPost(uri)?.peek() })
    const params = { uri, depth: 6, parentHeight: 30 }
    type Answer = { thread: ThreadNode | Gone }
    const { thread } = await read<Answer>('app.bsky.feed.getPostThread', { params })
    if (!isThread(thread)) return set({ is: 'gone', gone: thread })
    keepThread(thread)
    remember(`${viewer} ${uri}`, thread)
    set({ is: 'ready', node: thread })
  } catch (error) {
    set({ is: 'failed', problem: problemOf(error) })
  }
}

function remember(name: string, node: ThreadNode): void {
  seen.delete(name)
  seen.set(name, node)
  const oldest = seen.keys().next().value
  if (seen.size > seenLimit && oldest !== undefined) seen.delete(oldest)
}

function keepThread(node: ThreadNode): void {
  keepPost(node.post)
  if (isThread(node.parent)) keepThread(node.parent)
  for (const reply of node.replies ?? []) if (isThread(reply)) keepThread(reply)
}

function withReply(node: ThreadNode, post: Post, to: string): ThreadNode {
  const replies = node.replies ?? []
  if (node.post.uri === to) return { ...node, replies: [{ post }, ...replies] }
  const changed = replies.map((reply) => (isThread(reply) ? withReply(reply, post, to) : reply))
  return { ...node, replies: changed }
}

function Conversation({ node }: { node: ThreadNode }) {
  const parents = parentsOf(node)
  const focus = useRef<HTMLDivElement>(null)
  useEffect(() => {
    // The post asked for stands at the top; what came before it is one scroll up.
    if (parents.length > 0 && !place.peek().returned) {
      const top = focus.current?.getBoundingClientRect().top ?? 0
      scrollBy(0, top - 58)
    }
  }, [])
  return (
    <>
      {parents.map((parent, index) =>
        isThread(parent) ? (
          <PostView
            key={parent.post.uri}
            post={parent.post}
            line={index === 0 ? 'after' : 'before after'}
          />
        ) : (
          <GonePost key={parent.uri} gone={parent} />
        ),
      )}
      <div ref={focus} class="thread-focus">
        <FocusPost post={node.post} line={parents.length > 0 ? 'before' : undefined} />
      </div>
      {me.value && <ReplyLine post={node.post} />}
      <Replies node={node} />
    </>
  )
}

function parentsOf(node: ThreadNode): (ThreadNode | Gone)[] {
  const found: (ThreadNode | Gone)[] = []
  let at = node.parent
  while (at) {
    found.unshift(at)
    at = isThread(at) ? at.parent : undefined
  }
  return found
}

function ReplyLine({ post }: { post: Post }) {
  const shown = postOf(post).value
  return (
    <button type="button" class="composer-line" onClick={() => startWriting({ replyTo: shown })}>
      <span>{rich('compose.replyTo', { name: <bdi>{nameOf(shown.author)}</bdi> })}</span>
    </button>
  )
}

function Replies({ node }: { node: ThreadNode }) {
  const replies = node.replies ?? []
  if (replies.length === 0) return <p class="end">{t('thread.quiet')}</p>
  return (
    <section aria-label={t('thread.replies')}>
      {replies.map((reply) =>
        isThread(reply) ? (
          <Branch key={reply.post.uri} node={reply} />
        ) : (
          <GonePost key={reply.uri} gone={reply} />
        ),
      )}
    </section>
  )
}

/** A reply and the first line of conversation below it. */
function Branch({ node }: { node: ThreadNode }) {
  const line: ThreadNode[] = [node]
  let at = node
  while (line.length < 4) {
    const next = at.replies?.find(isThread)
    if (!next) break
    line.push(next)
    at = next
  }
  return (
    <>
      {line.map(({ post }, index) => {
        const marks = [index > 0 ? 'before' : '', index < line.length - 1 ? 'after' : '']
        return <PostView key={post.uri} post={post} line={marks.join(' ').trim()} />
      })}
    </>
  )
}
