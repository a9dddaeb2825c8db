/** A person: who they are and what they wrote. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { later } from '../app/later.tsx'
import { language } from '../app/prefs.ts'
import { nameOf } from '../data/actions.ts'
import { type AuthorFilter, authorFeed } from '../data/feeds.ts'
import { cleanName } from '../data/identity.ts'
import { keepPerson, knownPerson } from '../data/keep.ts'
import { type Problem, problemOf } from '../data/problem.ts'
import { toggleBlock } from '../data/quiet.ts'
import { me, read } from '../data/session.ts'
import { silentHostOf } from '../data/their-host.ts'
import type { Profile as Person } from '../data/views.ts'
import { hostOf } from '../data/xrpc.ts'
import { dealWith } from '../parts/asking.ts'
import { Feed } from '../parts/feed.tsx'
import { Icon } from '../parts/icon.tsx'
import { judgePerson, labelName, Marks } from '../parts/labels.tsx'
import { Menu } from '../parts/menu.tsx'
import { Head } from '../parts/page.tsx'
import { Avatar, FollowButton, Handle, profilePath } from '../parts/person.tsx'
import { Bone, Empty, PostBones, Trouble } from '../parts/states.tsx'
import { compact, month, rich, t } from '../words/index.ts'

const EditProfile = later(async () => (await import('./rest.ts')).EditProfile, {
  quiet: true,
})

export type ProfileTab = 'posts' | 'replies' | 'media'

const filters: Record<ProfileTab, AuthorFilter> = {
  posts: 'posts_no_replies',
  replies: 'posts_with_replies',
  media: 'posts_with_media',
}

/** DIDs of names met before, so that a profile seen once comes back at once. */
const didsByName = new Map<string, string>()

/** Loads a profile by handle or DID and follows it. */
export function useProfile(actor: string) {
  const did = useSignal(didsByName.get(actor))
  const problem = useSignal<Problem | undefined>(undefined)
  const turn = useSignal(0)
  const viewer = me.value?.did
  useEffect(() => {
    let here = true
    did.value = didsByName.get(actor)
    problem.value = undefined
    const params = { actor: cleanName(actor) }
    read<Person>('app.bsky.actor.getProfile', { params }).then(
      (person) => {
        keepPerson(person)
        didsByName.set(actor, person.did)
        if (here) did.value = person.did
      },
      (error) => {
        if (here) problem.value = problemOf(error)
      },
    )
    return () => {
      here = false
    }
  }, [actor, turn.value, viewer])
  const person = did.value === undefined ? undefined : knownPerson(did.value)?.value
  const retry = () => {
    problem.value = undefined
    turn.value += 1
  }
  return { person, problem: person ? undefined : problem.value, retry }
}

export function Profile({ actor, tab }: { actor: string; tab: ProfileTab }) {
  const { person, problem, retry } = useProfile(actor)
  if (problem) {
    return (
      <>
        <Head title={t('profile.title')} up="/" />
        <Trouble problem={problem} retry={retry} />
      </>
    )
  }
  if (!person) {
    return (
      <>
        <Head title={t('profile.title')} up="/" />
        <ProfileBones />
        <PostBones count={3} />
      </>
    )
  }
  const note =
    person.postsCount === undefined ? undefined : t('profile.posts', { n: person.postsCount })
  return (
    <>
      <Head title={nameOf(person)} note={note} up="/" />
      <Top person={person} />
      {person.did !== me.value?.did && <HostAway did={person.did} key={person.did} />}
      <Tabs person={person} tab={tab} />
      {person.viewer?.blocking || person.viewer?.blockedBy ? (
        <Behind person={person} />
      ) : (
        <Feed
          everybody
          key={`${person.did} ${tab}`}
          pages={authorFeed(person.did, filters[tab])}
          empty={<Empty title={t(`profile.empty.${tab}`)} />}
        />
      )}
    </>
  )
}

/** Says that new posts wait when the host of the account does not answer. */
function HostAway({ did }: { did: string }) {
  const host = useSignal<string | undefined>(undefined)
  useEffect(() => {
    silentHostOf(did).then(
      (found) => {
        host.value = found
      },
      () => {},
    )
  }, [did])
  if (!host.value) return null
  return (
    <p class="note host-away" data-tone="warm" role="status">
      <Icon name="info" />
      <span>{rich('profile.hostAway', { host: <bdi dir="ltr">{hostOf(host.value)}</bdi> })}</span>
    </p>
  )
}

/** Stands where the posts would be when there is a block between two people. */
function Behind({ person }: { person: Person }) {
  const mine = person.viewer?.blocking !== undefined
  const action = mine && (
    <button type="button" class="button ghost" onClick={() => void toggleBlock(person)}>
      {t('block.endShort')}
    </button>
  )
  return (
    <Empty title={t(mine ? 'block.mine' : 'block.theirs')} action={action}>
      {t(mine ? 'block.mineText' : 'block.theirsText')}
    </Empty>
  )
}

function ProfileBones() {
  return (
    <div role="status" aria-label={t('loading')}>
      <div class="profile-banner" />
      <div class="profile-top">
        <div class="profile-row">
          <span class="bone round avatar" data-size="large" />
        </div>
        <Bone width="44%" height={22} top={6} />
        <Bone width="32%" height={14} top={12} />
        <Bone width="86%" height={14} top={22} />
        <Bone width="58%" height={14} top={16} bottom={8} />
      </div>
    </div>
  )
}

function Top({ person }: { person: Person }) {
  const editing = useSignal(false)
  const mine = me.value?.did === person.did
  const judged = judgePerson(person)
  const warned = judged.hidden ?? judged.content ?? judged.media
  const plain = mine || !warned
  const joinedMs = Date.parse(person.createdAt ?? '')
  return (
    <div>
      <div class="profile-banner">
        {person.banner && plain ? (
          <img src={person.banner} alt="" width={600} height={120} />
        ) : (
          <Waves />
        )}
      </div>
      <div class="profile-top">
        <div class="profile-row">
          <Avatar person={plain ? person : { ...person, avatar: undefined }} size="large" />
          <div class="buttons">
            {mine ? (
              <>
                <a class="round-button" href="/settings" aria-label={t('nav.settings')}>
                  <Icon name="settings" />
                </a>
                <button
                  type="button"
                  class="button ghost small"
                  onClick={() => {
                    editing.value = true
                  }}
                >
                  {t('profile.edit')}
                </button>
              </>
            ) : (
              <>
                <Menu
                  label={t('profile.menu', { name: nameOf(person) })}
                  items={dealWith(person)}
                  key={language.value}
                />
                {!person.viewer?.blocking && <FollowButton person={person} />}
              </>
            )}
          </div>
        </div>
        <div class="profile-name">
          <bdi>{nameOf(person)}</bdi>
        </div>
        <div class="quiet">
          <Handle handle={person.handle} />
          {person.viewer?.muted && <span class="pill">{t('mute.mark')}</span>}
          {person.viewer?.followedBy && <span class="pill">{t('profile.followsYou')}</span>}
        </div>
        {warned && (
          <p class="note section" data-tone="warm">
            <Icon name="shield" />
            <span>{t('label.account', { label: labelName(warned) })}</span>
          </p>
        )}
        <Marks judged={judged} author={person.did} subject={person.did} />
        {person.description && !judged.hidden && (
          <p class="profile-bio" dir="auto">
            {person.description}
          </p>
        )}
        <div class="profile-counts">
          <a href={`${profilePath(person)}/followers`}>
            {counted('profile.followers', person.followersCount ?? 0)}
          </a>
          <a href={`${profilePath(person)}/following`}>
            {counted('profile.follows', person.followsCount ?? 0)}
          </a>
          {joinedMs > 0 && <span>{t('profile.joined', { month: month(joinedMs) })}</span>}
        </div>
      </div>
      {editing.value && (
        <EditProfile
          person={person}
          onClose={() => {
            editing.value = false
          }}
        />
      )}
    </div>
  )
}

function counted(key: 'profile.followers' | 'profile.follows', count: number) {
  return count < 10_000 ? t(key, { n: count }) : rich(key, { n: compact(count) })
}

/** Water where a person has put no picture. */
function Waves() {
  return (
    <svg viewBox="0 0 600 120" preserveAspectRatio="none" aria-hidden="true">
      <path d="M0 78c100-36 180 26 300 2s200-20 300 6v34H0z" fill="var(--water-3)" opacity="0.45" />
      <path d="M0 100c120-26 190 14 310-2s190-8 290 8v14H0z" fill="var(--water)" opacity="0.3" />
    </svg>
  )
}

function Tabs({ person, tab }: { person: Person; tab: ProfileTab }) {
  const base = profilePath(person)
  const tabs: [ProfileTab, string][] = [
    ['posts', base],
    ['replies', `${base}/replies`],
    ['media', `${base}/media`],
  ]
  return (
    <nav class="tabs" aria-label={t('profile.tabs')}>
      {tabs.map(([name, href]) => (
        <a key={name} class="tab" href={href} aria-current={name === tab ? 'page' : undefined}>
          {t(`profile.tab.${name}`)}
        </a>
      ))}
    </nav>
  )
}
