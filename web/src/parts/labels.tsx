/** Covers and marks that labels ask for: what it is, who says so, and a way to look all the same. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { network } from '../app/config.ts'
import { language } from '../app/prefs.ts'
import { knownPerson } from '../data/keep.ts'
import { saidIn } from '../data/labeler-said.ts'
import { labelerOf, meaningOf, wordOf } from '../data/labeler-words.ts'
import { asksOf, type Judged, judge } from '../data/labels.ts'
import { preferences } from '../data/preferences.ts'
import { labelers } from '../data/services.ts'
import { me } from '../data/session.ts'
import type { Label, Person, Post, PostRecord, StrongRef } from '../data/views.ts'
import { hostOf } from '../data/xrpc.ts'
import { t } from '../words/index.ts'
import { asking } from './asking.ts'
import { Icon } from './icon.tsx'

const named = ['!warn', '!hide', 'porn', 'sexual', 'nudity', 'graphic-media', 'spam'] as const

/** What a label is called: as its labeler says, else as everybody does, else its bare word. */
export function labelName({ src, val }: Pick<Label, 'src' | 'val'>): string {
  const word = wordOf(src, val)
  const said = word && saidIn(word, language.value)?.name
  const known = named.find((name) => name === val)
  return said ?? (known ? t(`label.${known}`) : val)
}

/** What a label means, where somebody says so. */
export function labelAbout({ src, val }: Pick<Label, 'src' | 'val'>): string | undefined {
  const word = wordOf(src, val)
  const said = word && saidIn(word, language.value)?.about
  const known = named.find((name) => name === val)
  return said || (known && known !== 'spam' ? t(`label.about.${known}`) : undefined)
}

/** What the labels on a post, by its author and on its author ask for. */
export function judgePost(post: Pick<Post, 'author' | 'labels'> & { record: PostRecord }): Judged {
  const { author, labels, record } = post
  const own = (record.labels?.values ?? []).map(({ val }) => ({ src: author.did, val }))
  const all = [...(labels ?? []), ...own, ...(author.labels ?? [])]
  const judged = judge(all, author.did, preferences(), meaningOf)
  // Nobody is kept from their own words; they see what others see on them.
  return author.did === me.value?.did ? { marks: worn(judged) } : judged
}

const worn = ({ hidden, content, media, marks }: Judged): Label[] =>
  [hidden, content, media, ...marks].filter((label) => label !== undefined)

/** What the labels on an account ask for; one's own are marks, as on one's posts. */
export function judgePerson(person: Person): Judged {
  const judged = judge(person.labels, person.did, preferences(), meaningOf)
  return person.did === me.value?.did ? { marks: worn(judged) } : judged
}

/** A labeler's name: this network's moderators, else as it calls itself, else where it is. */
export function LabelerName({ did }: { did: string }) {
  if (did === network().moderation?.did) return <>{t('label.ownLabeler')}</>
  const { name, handle = knownPerson(did)?.value.handle } = labelerOf(did) ?? {}
  if (name) return <bdi>{name}</bdi>
  if (handle) return <bdi dir="ltr">@{handle}</bdi>
  const url = labelers().find((one) => one.did === did)?.url
  return <bdi dir="ltr">{url ? hostOf(url) : did}</bdi>
}

/** Who says so: the author, this network's moderators, or somebody else by their name. */
function Source({ label, author }: { label: Label; author: string }) {
  if (label.src === author) return <>{t('label.byAuthor')}</>
  if (label.src === network().moderation?.did) return <>{t('label.byNetwork')}</>
  return <LabelerName did={label.src} />
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
          <b dir="auto">{labelName(label)}</b>{' '}
          <button
            type="button"
            class="link-button small"
            onClick={() => {
              asking.value = { kind: 'label', label, author }
            }}
          >
            <Source label={label} author={author} />
          </button>
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

interface MarksProps {
  judged: Judged
  author: string
  /** What they are on, so that its author can ask for another look. */
  subject: StrongRef | string
}

/** Labels that ask for nothing but to be seen. Each says what it means when it is pressed. */
export function Marks({ judged, author, subject }: MarksProps) {
  if (judged.marks.length === 0) return null
  return (
    <ul class="marks" aria-label={t('label.marks')}>
      {judged.marks.map((label) => {
        const asks = asksOf(label, author, meaningOf)
        const alert = asks !== 'unread' && asks?.severity === 'alert'
        return (
          <li key={`${label.src} ${label.val}`}>
            <button
              type="button"
              class="pill mark"
              data-tone={alert ? 'warm' : undefined}
              onClick={() => {
                asking.value = { kind: 'label', label, author, subject }
              }}
            >
              {alert && <Icon name="warn" />}
              <span dir="auto">{labelName(label)}</span>{' '}
              <span class="quiet">
                <Source label={label} author={author} />
              </span>
            </button>
          </li>
        )
      })}
    </ul>
  )
}
