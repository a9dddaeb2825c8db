/** What a post carries besides its text: pictures, a link's card, another post. */
import { nameOf } from '../data/actions.ts'
import {
  authorityOf,
  type Embed,
  type External,
  type ImageView,
  isQuotedPost,
  type Quoted,
  type QuotedPost,
  rkeyOf,
} from '../data/views.ts'
import { hostOf } from '../data/xrpc.ts'
import { t } from '../words/index.ts'
import { judgePost, labelName } from './labels.tsx'
import { Avatar, Handle } from './person.tsx'
import { PostText } from './post-text.tsx'
import { Ago } from './time.tsx'
import { viewPictures } from './viewer.tsx'

export function EmbedView({ embed, depth = 0 }: { embed: Embed; depth?: number }) {
  switch (embed.$type) {
    case 'app.bsky.embed.images#view':
      return <Images images={embed.images} />
    case 'app.bsky.embed.external#view':
      return <ExternalCard external={embed.external} />
    case 'app.bsky.embed.video#view':
      return <VideoCard thumbnail={embed.thumbnail} alt={embed.alt} />
    case 'app.bsky.embed.record#view':
      return depth > 0 ? null : <QuotedCard record={embed.record} />
    case 'app.bsky.embed.recordWithMedia#view':
      return (
        <>
          <EmbedView embed={embed.media} depth={depth} />
          {depth === 0 && <QuotedCard record={embed.record.record} />}
        </>
      )
    default:
      return null
  }
}

function Images({ images }: { images: ImageView[] }) {
  const shown = images.slice(0, 4)
  return (
    <div class="images" data-count={shown.length}>
      {shown.map(({ thumb, alt, aspectRatio }, index) => (
        <button
          type="button"
          key={thumb}
          aria-label={alt ? t('image.openNamed', { alt }) : t('image.open')}
          onClick={() => viewPictures(shown, index)}
        >
          <img
            src={thumb}
            alt={alt}
            width={aspectRatio?.width ?? 1200}
            height={aspectRatio?.height ?? 800}
            loading="lazy"
            decoding="async"
          />
          {alt !== '' && (
            <span class="alt-mark" aria-hidden="true">
              {t('image.altMark')}
            </span>
          )}
        </button>
      ))}
    </div>
  )
}

function ExternalCard({ external }: { external: External }) {
  if (!/^https?:\/\//i.test(external.uri)) return null
  return (
    <a class="card" href={external.uri} target="_blank" rel="noopener noreferrer nofollow">
      {external.thumb && (
        <img
          src={external.thumb}
          alt=""
          width={1200}
          height={628}
          loading="lazy"
          decoding="async"
        />
      )}
      <div class="card-text">
        <b dir="auto">{external.title || external.uri}</b>
        {external.description !== '' && <span dir="auto">{external.description}</span>}
        <span class="quiet small">
          <bdi dir="ltr">{hostOf(external.uri)}</bdi>
        </span>
      </div>
    </a>
  )
}

function VideoCard({ thumbnail, alt }: { thumbnail?: string; alt?: string }) {
  return (
    <div class="card">
      {thumbnail && (
        <img src={thumbnail} alt={alt ?? ''} width={1200} height={628} loading="lazy" />
      )}
      <div class="card-text">{t('video.notHere')}</div>
    </div>
  )
}

function QuotedCard({ record }: { record: Quoted }) {
  if (isQuotedPost(record)) return <QuotedPostCard quoted={record} />
  return (
    <div class="card">
      <div class="veiled">{t(quotedAbsence(record.$type))}</div>
    </div>
  )
}

function quotedAbsence(type: string) {
  if (type.endsWith('#viewBlocked')) return 'post.blocked'
  if (type.endsWith('#viewNotFound') || type.endsWith('#viewDetached')) return 'post.gone'
  return 'post.otherKind'
}

function QuotedPostCard({ quoted }: { quoted: QuotedPost }) {
  const { hidden, content } = judgePost({ ...quoted, record: quoted.value })
  const covered = hidden ?? content
  const { author, uri, value, embeds, indexedAt } = quoted
  return (
    <a class="card" href={`/profile/${authorityOf(uri)}/post/${rkeyOf(uri)}`}>
      <div class="card-text">
        <div class="row small">
          <Avatar person={author} size="small" />
          <div class="grow cut">
            <b class="cut own" dir="auto">
              {nameOf(author)}
            </b>
            <Handle handle={author.handle} /> · <Ago at={indexedAt} />
          </div>
        </div>
        {covered ? <p class="quiet">{labelName(covered)}</p> : <PostText text={value.text ?? ''} />}
        {embeds?.some(({ $type }) => $type === 'app.bsky.embed.images#view') && (
          <span class="quiet small">{t('post.hasPictures')}</span>
        )}
      </div>
    </a>
  )
}
