/** What happened: likes, reposts, follows, replies, mentions; likes of one post gathered. */
import { useEffect } from 'preact/hooks'
import { nameOf } from '../data/actions.ts'
import { isNewlyDecided, readDecisions } from '../data/decisions.ts'
import { type NotificationItem, notifications } from '../data/feeds.ts'
import { group, type Notice } from '../data/group.ts'
import { markSeen } from '../data/notify.ts'
import { me } from '../data/session.ts'
import { List } from '../parts/feed.tsx'
import { Icon, type IconName } from '../parts/icon.tsx'
import { Head } from '../parts/page.tsx'
import { Avatar, profilePath } from '../parts/person.tsx'
import { PostView, postPath } from '../parts/post.tsx'
import { Isolated } from '../parts/post-text.tsx'
import { Empty, PostBones } from '../parts/states.tsx'
import { Ago } from '../parts/time.tsx'
import { rich, t } from '../words/index.ts'

export function Notifications() {
  const pages = notifications()
  const shown = pages.state.value !== 'first'
  useEffect(() => {
    if (shown) void markSeen()
  }, [shown])
  useEffect(() => {
    readDecisions().catch(() => {})
  }, [me.value?.did])
  return (
    <>
      <Head title={t('nav.notifications')} />
      {isNewlyDecided() && (
        <div class="banner" role="status">
          <span>{t('standing.fresh')}</span> <a href="/settings/standing">{t('standing.read')}</a>
        </div>
      )}
      <List
        key={me.value?.did}
        pages={pages}
        bones={<PostBones />}
        empty={<Empty title={t('notify.empty')}>{t('notify.emptyText')}</Empty>}
      >
        {(items) => group(items).map((notice) => <NoticeView key={notice.key} notice={notice} />)}
      </List>
    </>
  )
}

const icons: Record<string, IconName> = {
  like: 'like',
  repost: 'repost',
  follow: 'person',
  reply: 'reply',
  mention: 'mention',
  quote: 'quote',
}

function NoticeView({ notice }: { notice: Notice<NotificationItem> }) {
  const { first, items, isNew } = notice
  // Replies and mentions are posts: shown as such, with everything one does with a post.
  if (first.subject && ['reply', 'mention', 'quote'].includes(first.reason)) {
    return (
      <div class="notice-post" data-new={isNew}>
        <p class="notice-why small quiet">
          <Icon name={icons[first.reason]!} />
          {t(`notify.post.${first.reason as 'reply' | 'mention' | 'quote'}`)}
        </p>
        <PostView post={first.subject} />
      </div>
    )
  }
  const subject = first.subject
  const text = subject?.record.text ?? ''
  return (
    <div class="notice" data-new={isNew} data-reason={first.reason}>
      <Icon name={icons[first.reason] ?? 'bell'} />
      <div class="notice-text">
        <div class="notice-faces">
          {items.slice(0, 6).map(({ author }) => (
            <a key={author.did} href={profilePath(author)} aria-label={nameOf(author)}>
              <Avatar person={author} size="small" />
            </a>
          ))}
        </div>
        <Sentence notice={notice} /> <Ago at={first.indexedAt} />
        {subject && (
          <a class="notice-subject" href={postPath(subject)} dir="auto">
            {text === '' ? t('post.picturesOnly') : <Isolated text={text} />}
          </a>
        )}
      </div>
    </div>
  )
}

function Sentence({ notice: { first, items } }: { notice: Notice<NotificationItem> }) {
  const name = (
    <b>
      <a href={profilePath(first.author)}>
        <bdi>{nameOf(first.author)}</bdi>
      </a>
    </b>
  )
  const n = items.length - 1
  switch (first.reason) {
    case 'like':
      return (
        <span>{n > 0 ? rich('notify.likes', { name, n }) : rich('notify.like', { name })}</span>
      )
    case 'repost':
      return (
        <span>{n > 0 ? rich('notify.reposts', { name, n }) : rich('notify.repost', { name })}</span>
      )
    case 'follow':
      return (
        <span>{n > 0 ? rich('notify.follows', { name, n }) : rich('notify.follow', { name })}</span>
      )
    case 'reply':
      return <span>{rich('notify.reply', { name })}</span>
    case 'mention':
      return <span>{rich('notify.mention', { name })}</span>
    case 'quote':
      return <span>{rich('notify.quote', { name })}</span>
    default:
      return <span>{rich('notify.other', { name })}</span>
  }
}
