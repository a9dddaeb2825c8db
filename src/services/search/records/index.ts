/** The index itself: documents of posts and accounts, how they are written, how they are found. */
export {
  ACTORS_RANKED_MAX,
  type Actor,
  Actors,
  indexActors,
  loadActors,
  profileTexts,
  removeActor,
  writeActors,
} from './actors.ts'
export {
  authorFacet,
  domainFacet,
  languageFacets,
  mentionFacet,
  QUOTE_FACET,
  REPLY_FACET,
  tagFacet,
  urlFacet,
} from './facets.ts'
export { placeOfMs } from './place.ts'
export { type PostDocument, postDocument } from './post-document.ts'
export {
  type PostChange,
  type PostHit,
  type PostMatch,
  Posts,
  RANKED_MAX,
  removeSomePosts,
  writePosts,
} from './posts.ts'
export { Remains } from './remains.ts'
