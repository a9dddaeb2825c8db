/** Covers and marks that labels ask for: what it is, who says so, and a way to look all the same. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { network } from '../app/config.ts'
import { knownPerson } from '../data/keep.ts'
import { type Judged, judge } from '../data/labels.ts'
import { preferences } from '../data/preferences.ts'
import { me } from '../data/session.ts'
import type { Label, Person, Post, PostRecord } from '../data/views.ts'
import { t } from '../words/index.ts'
import { Icon } from './icon.tsx'

const named = ['!warn', '!hide', 'porn', 'sexual', 'nudity', 'graphic-media', 'spam'] as const

/** What a label is called; those nobody taught us by their own name. */
export function labelName(val: string): string {
  const known = named.find((name) => name === val)
  return known ? t(`label.${known}`) : val
}

/** What the labels on a post, by its author and on its author ask for. */
export function judgePost(post: Pick<Post, 'author' | 'labels'> & { record: PostRecord }): Judged {
  const { author, labels, record } = post
  const own = (record.labels?.values ?? []).map(({ val }) => ({ src: author.did, val }))
  const all = [...(labels ?? []), ...own, ...(author.labels ?? [])]
  const judged = judge(all, author.did, preferences())
  // Nobody is kept from their own words; they see what others see on them.
  return author.did === me.value?.did ? { marks: worn(judged) } : judged
}

const worn = ({ hidden, content, media, marks }: Judged): Label[] =>
  [hidden, content, media, ...marks].filter((label) => label !== undefined)

export const judgePerson = (person: Person): Judged =>
  judge(person.labels, person.did, preferences())

/** Who says so: the author, this network's moderators, or somebody else by their name. */
function Source({ label, author }: { label: Label; author: string }) {
  if (label.src === author) return <>{t('label.byAuthor')}</>
  if (label.src === network().moderation?.did) return <>{t('label.byNetwork')}</>
  const handle = knownPerson(label.src)?.value.handle
  return <bdi dir="ltr">{handle ? `@${handle}` : label.src}</bdi>
}

interface CoverProps {
  label: Label | undefined
  author: string
  /** Blurred behind the cover instead of left out. */
  blur?: boolean
  children: ComponentChildren
}

/** Stands before what a label covers, until somebody uncovers it. */
export function Cover({ label, author, blur = false, children }: CoverProps) {
  const open = useSignal(false)
  if (!label) return <>{children}</>
  return (
    <div class="cover" data-open={open.value}>
      <div class="cover-note">
        <Icon name="shield" />
        <span class="grow">
          <b dir="auto">{labelName(label.val)}</b>{' '}
          <span class="small quiet">
            <Source label={label} author={author} />
          </span>
        </span>
        <button
          type="button"
          class="button ghost small"
          aria-expanded={open.value}
          onClick={() => {
            open.value = !open.value
          }}
        >
          {t(open.value ? 'label.cover' : 'label.uncover')}
        </button>
      </div>
      {open.value && children}
      {!open.value && blur && (
        <div class="blurred" inert aria-hidden="true">
          {children}
        </div>
      )}
    </div>
  )
}

/** Labels that ask for nothing but to be seen. */
export function Marks({ judged, author }: { judged: Judged; author: string }) {
  if (judged.marks.length === 0) return null
  return (
    <ul class="marks" aria-label={t('label.marks')}>
      {judged.marks.map((label) => (
        <li class="pill" key={`${label.src} ${label.val}`}>
          <span dir="auto">{labelName(label.val)}</span>{' '}
          <span class="quiet">
            <Source label={label} author={author} />
          </span>
        </li>
      ))}
    </ul>
  )
}
