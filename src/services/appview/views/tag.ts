/** Where clients show the posts with a tag: a path of theirs. */
export function tagLink(tag: string): string {
  return `/hashtag/${encodeURIComponent(tag)}`
}
