/** A post's text with its links, mentions and tags, each kept in its own direction. */
import type { ComponentChildren } from 'preact'
import { type Segment, segments } from '../data/facets.ts'
import { searchPath } from '../data/search.ts'
import type { Facet } from '../data/views.ts'

export function PostText({ text, facets }: { text: string; facets?: Facet[] }) {
  if (text === '') return null
  return (
    <p class="post-text" dir="auto">
      {segments(text, facets).map((segment, index) => (
        <Piece key={index} segment={segment} />
      ))}
    </p>
  )
}

function Piece({ segment: { text, feature } }: { segment: Segment }): ComponentChildren {
  switch (feature?.$type) {
    case 'app.bsky.richtext.facet#link':
      return (
        <a href={feature.uri} target="_blank" rel="noopener noreferrer nofollow" dir="ltr">
          <bdi dir="ltr">{text}</bdi>
        </a>
      )
    case 'app.bsky.richtext.facet#mention':
      return (
        <a href={`/profile/${feature.did}`}>
          <bdi dir="ltr">{text}</bdi>
        </a>
      )
    case 'app.bsky.richtext.facet#tag':
      return (
        <a href={searchPath(`#${feature.tag}`, 'latest')}>
          <bdi>{text}</bdi>
        </a>
      )
    default:
      return <Isolated text={text} />
  }
}

// Handles and addresses that nobody marked up still must not turn their line around.
const lonely = /((?:https?:\/\/|@)[a-z0-9][\w.-]*\.[a-z][\w./?=&%#-]*)/giu

/** Plain text in which handles and addresses keep their own direction. */
export function Isolated({ text }: { text: string }): ComponentChildren {
  const pieces = text.split(lonely)
  if (pieces.length === 1) return text
  return pieces.map((piece, index) =>
    index % 2 === 1 ? (
      <bdi dir="ltr" key={index}>
        {piece}
      </bdi>
    ) : (
      piece
    ),
  )
}
