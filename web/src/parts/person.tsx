/** People: their picture, their names, a line of a list, the follow button. */
import { nameOf, toggleFollow } from '../data/actions.ts'
import { firstGrapheme } from '../data/count.ts'
import { personOf } from '../data/keep.ts'
import { meaningOf } from '../data/labeler-words.ts'
import { judge } from '../data/labels.ts'
import { preferences } from '../data/preferences.ts'
import { hostAway, me } from '../data/session.ts'
import type { Person } from '../data/views.ts'
import { t } from '../words/index.ts'

const pixels = { small: 34, medium: 44, large: 84 } as const

/** The picture, or the first letter of the name on a colour that is always the same for them. */
export function Avatar({
  person,
  size = 'medium',
}: {
  person: Person
  size?: keyof typeof pixels
}) {
  const side = pixels[size]
  return (
    <span class="avatar" data-size={size} data-hue={hueOf(person.did)} aria-hidden="true">
      {person.avatar && !isCovered(person) ? (
        <img
          src={person.avatar}
          alt=""
          width={side}
          height={side}
          loading="lazy"
          decoding="async"
        />
      ) : (
        firstGrapheme(nameOf(person)).toUpperCase()
      )}
    </span>
  )
}

// A picture that a label covers is not worth a button of its own: the letter stands for it.
function isCovered(person: Person): boolean {
  if (!person.labels?.length || person.did === me.peek()?.did) return false
  const { hidden, content, media } = judge(person.labels, person.did, preferences(), meaningOf)
  return Boolean(hidden ?? content ?? media)
}

function hueOf(did: string): number {
  let sum = 0
  for (let index = 0; index < did.length; index++) sum = (sum * 31 + did.charCodeAt(index)) >>> 0
  return sum % 5
}

/** A handle, left-to-right wherever it stands. */
export function Handle({ handle }: { handle: string }) {
  // The protocol's word for a name that could not be checked is no name to show.
  if (handle === 'handle.invalid') return <span>{t('handle.unverified')}</span>
  return <bdi dir="ltr">@{handle}</bdi>
}

export function profilePath(person: Pick<Person, 'did' | 'handle'>): string {
  return `/profile/${person.handle === 'handle.invalid' ? person.did : person.handle}`
}

/** A person in a list: picture, names, what they say of themselves, and the follow button. */
export function PersonRow({ person, bio = false }: { person: Person; bio?: boolean }) {
  const shown = personOf(person).value
  return (
    <li class="person">
      <a href={profilePath(shown)} class="avatar-link" tabIndex={-1} aria-label={nameOf(shown)}>
        <Avatar person={shown} size={bio ? 'medium' : 'small'} />
      </a>
      <div class="grow person-names">
        <a href={profilePath(shown)} class="person-names">
          <b class="cut own" dir="auto">
            {nameOf(shown)}
          </b>
          <span class="small quiet cut latin">
            <Handle handle={shown.handle} />
          </span>
        </a>
        {bio && shown.description && (
          <p class="bio" dir="auto">
            {shown.description}
          </p>
        )}
      </div>
      <FollowButton person={shown} quiet={!bio} />
    </li>
  )
}

/** Follows or stops following; nothing for visitors and for oneself. */
export function FollowButton({ person, quiet = false }: { person: Person; quiet?: boolean }) {
  const shown = personOf(person).value
  const session = me.value
  if (!session || session.did === person.did) return null
  // Read past the host that is away, nobody says whether they are followed.
  if (hostAway.value && shown.viewer === undefined) return null
  const following = shown.viewer?.following !== undefined
  const followsBack = !quiet && !following && shown.viewer?.followedBy !== undefined
  return (
    <button
      type="button"
      class={following || quiet ? 'button ghost small' : 'button small'}
      aria-pressed={following}
      aria-label={t(following ? 'follow.stopLabel' : 'follow.startLabel', { name: nameOf(shown) })}
      onClick={() => void toggleFollow(shown)}
    >
      {t(following ? 'follow.following' : followsBack ? 'follow.back' : 'follow.follow')}
    </button>
  )
}
