/** The feeds themselves. */
export { type Feed, type FeedItem, type FeedPage, feeds } from './feeds.ts'
