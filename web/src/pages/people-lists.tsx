/** Lists of people around a person or a post. */

import { useSignal } from '@preact/signals'
import { isDid } from 'falaj/protocol/syntax'
import { useEffect } from 'preact/hooks'
import { nameOf } from '../data/actions.ts'
import { type PeopleList, peopleList, reactions } from '../data/feeds.ts'
import { didOf } from '../data/identity.ts'
import { type Problem, problemOf } from '../data/problem.ts'
import { PeopleFeed } from '../parts/feed.tsx'
import { Head } from '../parts/page.tsx'
import { Handle, profilePath } from '../parts/person.tsx'
import { Empty, PeopleBones, Trouble } from '../parts/states.tsx'
import { t } from '../words/index.ts'
import { useProfile } from './profile.tsx'

/** Followers, or those followed. */
export function PeopleAround({ actor, list }: { actor: string; list: PeopleList }) {
  const { person, problem, retry } = useProfile(actor)
  const title = t(list === 'followers' ? 'profile.followersTitle' : 'profile.followsTitle')
  return (
    <>
      <Head
        title={title}
        up={`/profile/${actor}`}
        note={
          person && (
            <a class="quiet" href={profilePath(person)}>
              <bdi>{nameOf(person)}</bdi> · <Handle handle={person.handle} />
            </a>
          )
        }
      />
      {problem && <Trouble problem={problem} retry={retry} />}
      {!problem && !person && <PeopleBones />}
      {person && (
        <PeopleFeed
          key={`${person.did} ${list}`}
          pages={peopleList(person.did, list)}
          empty={
            <Empty title={t(list === 'followers' ? 'profile.noFollowers' : 'profile.noFollows')} />
          }
        />
      )}
    </>
  )
}

interface ReactionsProps {
  actor: string
  rkey: string
  kind: 'likes' | 'reposts'
}

/** Who liked or reposted a post. */
export function Reactions({ actor, rkey, kind }: ReactionsProps) {
  const uri = useSignal<string | undefined>(undefined)
  const problem = useSignal<Problem | undefined>(undefined)
  useEffect(() => {
    const found = isDid(actor) ? Promise.resolve(actor as string) : didOf(actor)
    found.then(
      (did) => {
        uri.value = `at://${did ?? ''}/app.bsky.feed.post/${rkey}`
      },
      (error) => {
        problem.value = problemOf(error)
      },
    )
  }, [actor, rkey])
  return (
    <>
      <Head
        title={t(kind === 'likes' ? 'post.likers' : 'post.reposters')}
        up={`/profile/${actor}/post/${rkey}`}
      />
      {problem.value && <Trouble problem={problem.value} />}
      {!problem.value && !uri.value && <PeopleBones />}
      {uri.value && (
        <PeopleFeed pages={reactions(uri.value, kind)} empty={<Empty title={t('post.nobody')} />} />
      )}
    </>
  )
}
