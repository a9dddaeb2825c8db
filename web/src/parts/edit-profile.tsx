/** Changing one's own name, words and pictures. */
import { type Signal, useSignal } from '@preact/signals'
import { useId, useRef } from 'preact/hooks'
import { say } from '../app/toasts.ts'
import { uploadBlob } from '../data/compose.ts'
import { graphemes } from '../data/count.ts'
import { type Picture, preparePicture } from '../data/image.ts'
import { keepPerson } from '../data/keep.ts'
import { type Problem, problemOf } from '../data/problem.ts'
import { putRecord } from '../data/records.ts'
import { ask } from '../data/session.ts'
import type { Profile } from '../data/views.ts'
import { CallError } from '../data/xrpc.ts'
import { t } from '../words/index.ts'
import { Dialog, DialogHead } from './dialog.tsx'
import { Field } from './form.tsx'
import { Avatar } from './person.tsx'
import { SmallTrouble } from './states.tsx'

const maxName = 64
const maxBio = 256

export function EditProfile({ person, onClose }: { person: Profile; onClose: () => void }) {
  const name = useSignal(person.displayName ?? '')
  const bio = useSignal(person.description ?? '')
  // Undefined: as it is; null: taken away.
  const avatar = useSignal<Picture | null | undefined>(undefined)
  const banner = useSignal<Picture | null | undefined>(undefined)
  const busy = useSignal(false)
  const problem = useSignal<Problem | undefined>(undefined)
  const bioId = useId()
  const bioLeft = maxBio - graphemes(bio.value)
  const nameLong = graphemes(name.value) > maxName

  async function save() {
    if (busy.peek() || bioLeft < 0 || nameLong) return
    busy.value = true
    problem.value = undefined
    try {
      const pictures = {
        ...(await sent('avatar', avatar.peek())),
        ...(await sent('banner', banner.peek())),
      }
      const before = await currentRecord(person.did)
      const displayName = name.peek().trim()
      const description = bio.peek().trim()
      await putRecord('app.bsky.actor.profile', 'self', {
        ...before,
        displayName,
        description,
        ...pictures,
      })
      const next: Profile = {
        ...{ ...person, displayName, description },
        avatar: shown(avatar.peek(), person.avatar),
        banner: shown(banner.peek(), person.banner),
      }
      keepPerson(next)
      say(t('profile.saved'))
      onClose()
    } catch (error) {
      problem.value = problemOf(error)
    } finally {
      busy.value = false
    }
  }

  return (
    <Dialog title={t('profile.edit')} onClose={onClose} tall>
      <DialogHead title={t('profile.edit')} onClose={onClose} />
      <form
        class="dialog-body form"
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        <div class="edit-pictures">
          <div class="profile-banner">
            {shown(banner.value, person.banner) && (
              <img src={shown(banner.value, person.banner)} alt="" width={600} height={200} />
            )}
          </div>
          <Avatar person={{ ...person, avatar: shown(avatar.value, person.avatar) }} size="large" />
        </div>
        <PictureChoice label={t('profile.picture')} chosen={avatar} before={person.avatar} />
        <PictureChoice label={t('profile.banner')} chosen={banner} before={person.banner} />
        <Field
          label={t('profile.name')}
          value={name.value}
          tone={nameLong ? 'bad' : undefined}
          hint={nameLong ? t('profile.nameLong', { n: maxName }) : undefined}
          onInput={(value) => {
            name.value = value
          }}
        />
        <div class="field">
          <label for={bioId}>{t('profile.bio')}</label>
          <textarea
            id={bioId}
            class="input"
            dir="auto"
            rows={4}
            value={bio.value}
            aria-invalid={bioLeft < 0}
            onInput={(event) => {
              bio.value = event.currentTarget.value
            }}
          />
          {bioLeft <= 40 && (
            <p class="hint" data-tone={bioLeft < 0 ? 'bad' : undefined}>
              {t(bioLeft < 0 ? 'compose.over' : 'compose.left', { n: Math.abs(bioLeft) })}
            </p>
          )}
        </div>
        {problem.value && <SmallTrouble problem={problem.value} retry={() => void save()} />}
        <div class="row end-row">
          <button type="submit" class="button" disabled={busy.value} aria-busy={busy.value}>
            {t('save')}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

type Chosen = Picture | null | undefined

/** What is seen of a picture: the new one, none, or the one that was. */
function shown(chosen: Chosen, before: string | undefined): string | undefined {
  return chosen === null ? undefined : (chosen?.preview ?? before)
}

/** The field of the record that changes: uploaded, left out, or as it was. */
async function sent(name: 'avatar' | 'banner', chosen: Chosen): Promise<object> {
  if (chosen === undefined) return {}
  return { [name]: chosen === null ? undefined : await uploadBlob(chosen.blob) }
}

interface ChoiceProps {
  label: string
  chosen: Signal<Chosen>
  before: string | undefined
}

/** Choosing a picture, or taking away the one that is there. */
function PictureChoice({ label, chosen, before }: ChoiceProps) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <div class="row wrap">
      <input
        ref={input}
        type="file"
        accept="image/*"
        hidden
        aria-label={label}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0]
          event.currentTarget.value = ''
          if (!file) return
          preparePicture(file).then(
            (made) => {
              chosen.value = made
            },
            () => say(t('image.unreadable')),
          )
        }}
      />
      <span class="grow">{label}</span>
      {shown(chosen.value, before) && (
        <button
          type="button"
          class="button ghost small"
          aria-label={t('profile.removeOf', { picture: label })}
          onClick={() => {
            chosen.value = null
          }}
        >
          {t('profile.remove')}
        </button>
      )}
      <button
        type="button"
        class="button ghost small"
        aria-label={t('profile.chooseOf', { picture: label })}
        onClick={() => input.current?.click()}
      >
        {t('profile.choose')}
      </button>
    </div>
  )
}

/** The record as it is, so that fields this client does not know stay. */
async function currentRecord(did: string): Promise<object> {
  const params = { repo: did, collection: 'app.bsky.actor.profile', rkey: 'self' }
  try {
    return (await ask<{ value: object }>('com.atproto.repo.getRecord', { params })).value
  } catch (error) {
    const none = error instanceof CallError && error.status >= 400 && error.status < 500
    if (none) return {}
    throw error
  }
}
