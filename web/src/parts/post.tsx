/** One post: in a list, in a thread, or as the page's subject. */
import { useSignal } from '@preact/signals'
import { language } from '../app/prefs.ts'
import { go } from '../app/router.ts'
import { say } from '../app/toasts.ts'
import { deletePost, nameOf, toggleLike, toggleRepost } from '../data/actions.ts'
import { isGone, personOf, postOf } from '../data/keep.ts'
import type { Judged } from '../data/labels.ts'
import { me } from '../data/session.ts'
import {
  authorityOf,
  type Embed,
  type FeedItem,
  type Gone,
  isPost,
  type Post,
  rkeyOf,
} from '../data/views.ts'
import { compact, moment, rich, t } from '../words/index.ts'
import { dealWith } from './asking.ts'
import { startWriting } from './composer-state.ts'
import { Confirm } from './dialog.tsx'
import { EmbedView } from './embed.tsx'
import { Icon, type IconName } from './icon.tsx'
import { Cover, judgePost, Marks } from './labels.tsx'
import { Menu, type MenuItem } from './menu.tsx'
import { Avatar, FollowButton, Handle, profilePath } from './person.tsx'
import { PostText } from './post-text.tsx'
import { Ago } from './time.tsx'

export function postPath(post: Pick<Post, 'uri' | 'author'>): string {
  const name = post.author.handle === 'handle.invalid' ? post.author.did : post.author.handle
  return `/profile/${name}/post/${rkeyOf(post.uri)}`
}

interface PostProps {
  post: Post
  /** Who brought it here, and whom it answers. */
  item?: FeedItem
  /** Lines of water to the post before or after it in a thread. */
  line?: string
}

export function PostView({ post, item, line }: PostProps) {
  const shown = postOf(post).value
  const author = personOf(shown.author).value
  const judged = judgePost(shown)
  if (isGone(post.uri).value) return null
  if (judged.hidden) return <p class="veiled">{t('label.hidden')}</p>
  return (
    <article
      class="post"
      data-line={line}
      data-uri={shown.uri}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: posts are stops for j, k and Enter
      tabIndex={0}
      aria-label={t('post.by', { name: nameOf(author) })}
      onClick={(event) => openUnlessControl(event, shown)}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && event.target === event.currentTarget) go(postPath(shown))
      }}
    >
      <Why item={item} />
      <a href={profilePath(author)} class="avatar-link" tabIndex={-1} aria-label={nameOf(author)}>
        <Avatar person={author} />
      </a>
      <div class="post-main">
        <div class="post-by">
          <a href={profilePath(author)} class="names">
            <b class="cut own" dir="auto">
              {nameOf(author)}
            </b>
            <span class="handle cut latin">
              <Handle handle={author.handle} />
            </span>
          </a>
          <a class="when handle" href={postPath(shown)}>
            <Ago at={whenOf(shown)} />
          </a>
        </div>
        <ReplyTo item={item} />
        <PostBody post={shown} judged={judged} />
        <Actions post={shown} />
      </div>
      <PostMenu post={shown} />
    </article>
  )
}

/** What was said and shown, behind covers where labels ask for them. */
function PostBody({ post, judged }: { post: Post; judged: Judged }) {
  const { did } = post.author
  return (
    <>
      <Cover label={judged.content} author={did}>
        <PostText text={post.record.text ?? ''} facets={post.record.facets} />
        {post.embed && (
          <Cover label={hasMedia(post.embed) ? judged.media : undefined} author={did} blur>
            <EmbedView embed={post.embed} />
          </Cover>
        )}
      </Cover>
      <Marks judged={judged} author={did} subject={{ uri: post.uri, cid: post.cid }} />
    </>
  )
}

/** Whether there is something to look at, and not only another post. */
function hasMedia(embed: Embed): boolean {
  return embed.$type !== 'app.bsky.embed.record#view'
}

// A post is a wide target, but its links, buttons and marked text keep what they do.
function openUnlessControl(event: MouseEvent, post: Post): void {
  const target = event.target as Element
  if (target.closest('a, button, [role=menu], dialog, summary')) return
  if (event.defaultPrevented || !getSelection()?.isCollapsed) return
  go(postPath(post))
}

/** When it was written, unless that claims to be later than when it was seen. */
function whenOf(post: Post): string {
  const written = Date.parse(post.record.createdAt)
  return written <= Date.parse(post.indexedAt) ? post.record.createdAt : post.indexedAt
}

function Why({ item }: { item?: FeedItem }) {
  const by = item?.reason?.by
  if (!by) {
    // Of the words of our own feeds, the one that a reader could not guess.
    if (item?.feedContext !== 'followed by people you follow') return null
    return <div class="post-why">{t('post.whyNeighbour')}</div>
  }
  return (
    <div class="post-why">
      <Icon name="repost" />
      <a href={profilePath(by)} class="cut">
        {by.did === me.value?.did
          ? t('post.repostedByMe')
          : rich('post.repostedBy', { name: <bdi>{nameOf(by)}</bdi> })}
      </a>
    </div>
  )
}

function ReplyTo({ item }: { item?: FeedItem }) {
  const parent = item?.reply?.parent
  if (!isPost(parent)) return null
  return (
    <div class="post-to cut">
      {parent.author.did === me.value?.did
        ? t('post.replyToMe')
        : rich('post.replyTo', { name: <bdi>{nameOf(parent.author)}</bdi> })}
    </div>
  )
}

/** What one left out is covered where one goes to it; what a service hides stays hidden. */
function opened(judged: Judged): Judged {
  const { hidden } = judged
  if (!hidden || hidden.val === '!hide') return judged
  return { ...judged, hidden: undefined, content: hidden }
}

/** The post a page is about: larger, with its exact time and its counts in words. */
export function FocusPost({ post, line }: PostProps) {
  const shown = postOf(post).value
  const author = personOf(shown.author).value
  const judged = opened(judgePost(shown))
  if (judged.hidden) return <p class="veiled">{t('label.hidden')}</p>
  if (isGone(post.uri).value) return <p class="veiled">{t('post.deleted')}</p>
  return (
    <article class="post focus" data-line={line} data-uri={shown.uri} id="focus">
      <div class="post-main">
        <div class="post-top">
          <a href={profilePath(author)} tabIndex={-1} aria-label={nameOf(author)}>
            <Avatar person={author} />
          </a>
          <a href={profilePath(author)} class="person-names">
            <b class="cut own" dir="auto">
              {nameOf(author)}
            </b>
            <span class="small quiet cut latin">
              <Handle handle={author.handle} />
            </span>
          </a>
          <FollowButton person={author} />
        </div>
        <PostBody post={shown} judged={judged} />
        <p class="small quiet">
          <time dateTime={whenOf(shown)}>{moment(Date.parse(whenOf(shown)))}</time>
        </p>
        <Stats post={shown} />
        <Actions post={shown} />
      </div>
      <PostMenu post={shown} />
    </article>
  )
}

function Stats({ post }: { post: Post }) {
  const likes = post.likeCount ?? 0
  const reposts = post.repostCount ?? 0
  if (likes + reposts === 0) return null
  return (
    <div class="post-stats">
      {reposts > 0 && (
        <a href={`${postPath(post)}/reposts`} class="soft">
          {t('post.reposts', { n: reposts })}
        </a>
      )}
      {likes > 0 && (
        <a href={`${postPath(post)}/likes`} class="soft">
          {t('post.likes', { n: likes })}
        </a>
      )}
    </div>
  )
}

function Actions({ post }: { post: Post }) {
  const likes = post.likeCount ?? 0
  const reposts = post.repostCount ?? 0
  const replies = post.replyCount ?? 0
  const liked = post.viewer?.like !== undefined
  const reposted = post.viewer?.repost !== undefined
  return (
    <div class="post-acts">
      <Act
        icon="reply"
        label={t('post.replyLabel', { n: replies })}
        count={replies}
        run={() => startWriting({ replyTo: post })}
      />
      <Act
        icon="repost"
        pressed={reposted}
        label={t(reposted ? 'post.unrepostLabel' : 'post.repostLabel', { n: reposts })}
        count={reposts}
        run={() => void toggleRepost(post)}
      />
      <Act
        icon="like"
        pressed={liked}
        label={t(liked ? 'post.unlikeLabel' : 'post.likeLabel', { n: likes })}
        count={likes}
        run={() => void toggleLike(post)}
      />
    </div>
  )
}

interface ActProps {
  icon: IconName
  label: string
  count: number
  pressed?: boolean
  run: () => void
}

function Act({ icon, label, count, pressed, run }: ActProps) {
  return (
    <button
      type="button"
      class={`act ${icon}`}
      aria-label={label}
      aria-pressed={pressed}
      onClick={() => (me.peek() ? run() : go('/sign-in'))}
    >
      <Icon name={icon} />
      <span class="num">{count > 0 ? compact(count) : ''}</span>
    </button>
  )
}

function PostMenu({ post }: { post: Post }) {
  const asking = useSignal(false)
  const mine = me.value?.did === post.author.did
  const items: MenuItem[] = [
    {
      icon: 'link',
      label: t('post.copyLink'),
      run: () => {
        const path = `/profile/${authorityOf(post.uri)}/post/${rkeyOf(post.uri)}`
        navigator.clipboard.writeText(location.origin + path).then(
          () => say(t('post.linkCopied')),
          () => say(t('post.linkNotCopied')),
        )
      },
    },
  ]
  items.push(...dealWith(post.author, post))
  if (mine) {
    items.push({
      icon: 'trash',
      label: t('post.delete'),
      danger: true,
      run: () => {
        asking.value = true
      },
    })
  }
  return (
    <>
      <Menu class="post-menu" label={t('post.menu')} items={items} key={language.value} />
      {asking.value && (
        <Confirm
          title={t('post.deleteAsk')}
          text={t('post.deleteText')}
          yes={t('post.delete')}
          onYes={() => void deletePost(post.uri)}
          onClose={() => {
            asking.value = false
          }}
        />
      )}
    </>
  )
}

/** Stands where a post was. */
export function GonePost({ gone }: { gone: Gone }) {
  return <p class="veiled">{t(gone.blocked ? 'post.blocked' : 'post.gone')}</p>
}
