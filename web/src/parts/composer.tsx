/** Writing a post or a reply: words, pictures with their descriptions, and what is left to say. */
import { type Signal, useComputed, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { language } from '../app/prefs.ts'
import { go } from '../app/router.ts'
import { say } from '../app/toasts.ts'
import { nameOf } from '../data/actions.ts'
import { publish } from '../data/compose.ts'
import { cutAt, graphemes, maxBytes, maxGraphemes } from '../data/count.ts'
import { byteLength, findMarks } from '../data/facets.ts'
import { authorFeed, timeline } from '../data/feeds.ts'
import { maxImages, type Picture, PictureError, preparePicture } from '../data/image.ts'
import { postOf } from '../data/keep.ts'
import { type Problem, problemOf } from '../data/problem.ts'
import { nextKey } from '../data/records.ts'
import { me } from '../data/session.ts'
import type { Post } from '../data/views.ts'
import { number, rich, t } from '../words/index.ts'
import { myself } from './composer-line.tsx'
import { replied, saveDraft, savedDraft, type Writing, writing } from './composer-state.ts'
import { Dialog, DialogHead } from './dialog.tsx'
import { Icon } from './icon.tsx'
import { Avatar } from './person.tsx'
import { postPath } from './post.tsx'
import { PostText } from './post-text.tsx'

/** The composer, while somebody writes. */
export function ComposerDialog() {
  const what = writing.value
  if (!what || !me.value) return null
  const title = t(what.replyTo ? 'compose.replyTitle' : 'compose.title')
  const close = () => {
    writing.value = undefined
  }
  return (
    <Dialog title={title} onClose={close} tall>
      <DialogHead title={title} onClose={close} />
      <div class="dialog-body">
        <Composer what={what} onDone={close} key={what.replyTo?.uri ?? ''} />
      </div>
    </Dialog>
  )
}

function Composer({ what, onDone }: { what: Writing; onDone: () => void }) {
  const text = useSignal(savedDraft(what))
  const pictures = useSignal<readonly Picture[]>([])
  const sending = useSignal(false)
  const problem = useSignal<Problem | undefined>(undefined)
  const rkey = useRef(nextKey())
  const used = useComputed(() => graphemes(text.value))
  const tooLong = useComputed(() => used.value > maxGraphemes || byteLength(text.value) > maxBytes)
  const empty = useComputed(() => text.value.trim() === '' && pictures.value.length === 0)
  const person = myself()

  async function send() {
    if (sending.peek() || empty.peek() || tooLong.peek()) return
    sending.value = true
    problem.value = undefined
    try {
      const draft = {
        text: text.peek(),
        pictures: pictures.peek(),
        reply: what.replyTo && replyRefs(what.replyTo),
        rkey: rkey.current,
      }
      show(await publish(draft, language.peek()), what)
      saveDraft(what, '')
      onDone()
    } catch (error) {
      problem.value = problemOf(error)
    } finally {
      sending.value = false
    }
  }

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
      onPaste={(event) => {
        const files = [...(event.clipboardData?.files ?? [])]
        if (files.length > 0) void addFiles(pictures, files)
      }}
    >
      {what.replyTo && <Answered post={what.replyTo} />}
      <div class="composer-top">
        {person && <Avatar person={person} />}
        <Writer
          text={text}
          limit={maxGraphemes}
          placeholder={t(what.replyTo ? 'compose.replyPrompt' : 'compose.prompt')}
          onInput={(value) => {
            text.value = value
            saveDraft(what, value)
          }}
          onSend={() => void send()}
        />
      </div>
      <Pictures pictures={pictures} />
      {problem.value && <NotSent problem={problem.value} />}
      <div class="composer-foot">
        <AddPictures pictures={pictures} />
        <span class="grow" />
        <Counter used={used.value} />
        <button
          type="submit"
          class="button"
          disabled={empty.value || tooLong.value || sending.value}
          aria-busy={sending.value}
        >
          {t(what.replyTo ? 'compose.reply' : 'compose.post')}
        </button>
      </div>
    </form>
  )
}

function replyRefs(parent: Post) {
  const ref = { uri: parent.uri, cid: parent.cid }
  return { root: parent.record.reply?.root ?? ref, parent: ref }
}

/** Puts the new post where its writer looks for it. */
function show(post: Post, { replyTo }: Writing): void {
  if (replyTo) {
    const parent = postOf(replyTo)
    parent.value = { ...parent.peek(), replyCount: (parent.peek().replyCount ?? 0) + 1 }
    replied.dispatchEvent(new CustomEvent('reply', { detail: { post, to: replyTo.uri } }))
  } else {
    timeline().prepend({ post })
    authorFeed(post.author.did, 'posts_no_replies').prepend({ post })
  }
  say(t(replyTo ? 'compose.replied' : 'compose.posted'), {
    label: t('compose.open'),
    run: () => go(postPath(post)),
  })
}

function Answered({ post }: { post: Post }) {
  return (
    <div class="answered">
      <div class="small quiet">
        {rich('post.replyTo', { name: <bdi>{nameOf(post.author)}</bdi> })}
      </div>
      <PostText text={post.record.text ?? ''} />
    </div>
  )
}

interface WriterProps {
  text: Signal<string>
  limit: number
  placeholder: string
  onInput: (text: string) => void
  onSend: () => void
}

function Writer({ text, limit, placeholder, onInput, onSend }: WriterProps) {
  const area = useRef<HTMLTextAreaElement>(null)
  useEffect(() => {
    const element = area.current
    element?.focus()
    element?.setSelectionRange(element.value.length, element.value.length)
  }, [])
  return (
    <div class="writing">
      <div class="painted" aria-hidden="true" dir="auto">
        <Painted text={text.value} limit={limit} />
      </div>
      <textarea
        ref={area}
        dir="auto"
        rows={3}
        aria-label={placeholder}
        placeholder={placeholder}
        value={text.value}
        onInput={(event) => onInput(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) onSend()
        }}
      />
    </div>
  )
}

/** The same words again, with what will become links coloured and what is too much marked. */
function Painted({ text, limit }: { text: string; limit: number }) {
  const end = cutAt(text, limit)
  const marks = findMarks(text)
  const cuts = [...new Set([0, ...marks.flatMap((m) => [m.start, m.end]), end, text.length])]
  cuts.sort((a, b) => a - b)
  return (
    <>
      {cuts.slice(0, -1).map((from, index) => {
        const piece = text.slice(from, cuts[index + 1])
        const marked = marks.some(({ start, end: stop }) => start <= from && from < stop)
        const over = from >= end
        if (!marked && !over) return piece
        return (
          <mark key={from} class={over ? 'over' : ''}>
            {piece}
          </mark>
        )
      })}
      {/* A trailing line break has no height without something after it. */}
      {text.endsWith('\n') ? '\u200b' : ''}
    </>
  )
}

function Counter({ used }: { used: number }) {
  const left = maxGraphemes - used
  const tone = left < 0 ? 'bad' : left <= 20 ? 'warm' : 'calm'
  const share = Math.min(1, used / maxGraphemes)
  const round = 2 * Math.PI * 9
  return (
    <span class="counter" data-tone={tone}>
      <span class="sr" role="status">
        {left <= 20 ? t(left < 0 ? 'compose.over' : 'compose.left', { n: Math.abs(left) }) : ''}
      </span>
      <span aria-hidden="true">{number(left)}</span>
      <svg viewBox="0 0 22 22" aria-hidden="true">
        <circle cx="11" cy="11" r="9" />
        {used > 0 && (
          <circle
            class="used"
            cx="11"
            cy="11"
            r="9"
            stroke-dasharray={`${share * round} ${round}`}
          />
        )}
      </svg>
    </span>
  )
}

function NotSent({ problem }: { problem: Problem }) {
  return (
    <div class="note" data-tone="bad" role="alert">
      <Icon name="warn" />
      <div>
        <b>{t('compose.notSent')}</b>
        {t(`problem.${problem.kind}.what`)} {t('compose.kept')}
        {problem.detail && (
          <details class="more">
            <summary>{t('details')}</summary>
            <code class="code">{problem.detail}</code>
          </details>
        )}
      </div>
    </div>
  )
}

function AddPictures({ pictures }: { pictures: Signal<readonly Picture[]> }) {
  const input = useRef<HTMLInputElement>(null)
  const full = pictures.value.length >= maxImages
  return (
    <>
      <input
        ref={input}
        type="file"
        accept="image/*"
        multiple
        hidden
        onChange={(event) => {
          void addFiles(pictures, [...(event.currentTarget.files ?? [])])
          event.currentTarget.value = ''
        }}
      />
      <button
        type="button"
        class="round-button"
        aria-label={t('image.add')}
        title={t('image.add')}
        disabled={full}
        onClick={() => input.current?.click()}
      >
        <Icon name="picture" />
      </button>
    </>
  )
}

async function addFiles(pictures: Signal<readonly Picture[]>, files: readonly File[]) {
  const images = files.filter(({ type }) => type.startsWith('image/'))
  for (const file of images) {
    if (pictures.peek().length >= maxImages) {
      say(t('image.atMost', { n: maxImages }))
      return
    }
    try {
      const picture = await preparePicture(file)
      pictures.value = [...pictures.peek(), picture]
    } catch (error) {
      if (!(error instanceof PictureError)) throw error
      say(t(error.message === 'too big' ? 'image.tooBig' : 'image.unreadable'))
    }
  }
}

function Pictures({ pictures }: { pictures: Signal<readonly Picture[]> }) {
  if (pictures.value.length === 0) return null
  return (
    <ul class="composer-images">
      {pictures.value.map((picture) => (
        <li class="composer-image" key={picture.id}>
          <img src={picture.preview} alt="" width={84} height={84} />
          <label class="field">
            <span class="label small">{t('image.altLabel')}</span>
            <textarea
              class="input"
              dir="auto"
              rows={2}
              maxLength={1000}
              placeholder={t('image.altPrompt')}
              onInput={(event) => {
                picture.alt = event.currentTarget.value
              }}
            />
          </label>
          <button
            type="button"
            class="round-button"
            aria-label={t('image.remove')}
            onClick={() => {
              URL.revokeObjectURL(picture.preview)
              pictures.value = pictures.peek().filter(({ id }) => id !== picture.id)
            }}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  )
}
