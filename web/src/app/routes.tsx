/** Every page and its address. */
import type { ComponentChildren } from 'preact'
import { MyData } from '../pages/data.tsx'
import { Home } from '../pages/home.tsx'
import { NotFound } from '../pages/not-found.tsx'
import { Notifications } from '../pages/notifications.tsx'
import { People } from '../pages/people.tsx'
import { Profile } from '../pages/profile.tsx'
import { Thread } from '../pages/thread.tsx'
import { later } from './later.tsx'
import { matchPath } from './match.ts'

const Feeds = later(async () => (await import('../pages/rest.ts')).Feeds)
const MovePage = later(async () => (await import('../pages/move.tsx')).MovePage)
const OwnKeyPage = later(async () => (await import('../pages/own-key.tsx')).OwnKeyPage)
const Settings = later(async () => (await import('../pages/rest.ts')).Settings)
const SignUp = later(async () => (await import('../pages/rest.ts')).SignUp)
const Quiet = later(async () => (await import('../pages/rest.ts')).Quiet)
const SignIn = later(async () => (await import('../pages/rest.ts')).SignIn)
const PeopleAround = later(async () => (await import('../pages/rest.ts')).PeopleAround)
const Reactions = later(async () => (await import('../pages/rest.ts')).Reactions)
const ServicePage = later(async () => (await import('../pages/rest.ts')).ServicePage)
const LabelerPage = later(async () => (await import('../pages/rest.ts')).LabelerPage)
const Standing = later(async () => (await import('../pages/rest.ts')).Standing)
const Search = later(async () => (await import('../pages/rest.ts')).Search)

type Found = Record<string, string>

interface Route {
  pattern: string
  show: (found: Found) => ComponentChildren
  /** Only for people who are signed in; others are asked to. */
  mine?: boolean
}

const routes: readonly Route[] = [
  { pattern: '/', show: () => <Home /> },
  { pattern: '/sign-in', show: () => <SignIn /> },
  { pattern: '/sign-up', show: () => <SignUp /> },
  { pattern: '/search', show: () => <Search /> },
  { pattern: '/feeds', show: () => <Feeds /> },
  { pattern: '/people', show: () => <People /> },
  { pattern: '/notifications', show: () => <Notifications />, mine: true },
  { pattern: '/data', show: () => <MyData />, mine: true },
  { pattern: '/data/key', show: () => <OwnKeyPage />, mine: true },
  { pattern: '/data/move', show: () => <MovePage />, mine: true },
  { pattern: '/settings', show: () => <Settings /> },
  { pattern: '/settings/service', show: () => <ServicePage /> },
  { pattern: '/settings/quiet', show: () => <Quiet />, mine: true },
  { pattern: '/settings/standing', show: () => <Standing />, mine: true },
  { pattern: '/settings/labels/:did', show: ({ did = '' }) => <LabelerPage did={did} /> },
  { pattern: '/profile/:actor', show: ({ actor = '' }) => <Profile actor={actor} tab="posts" /> },
  {
    pattern: '/profile/:actor/replies',
    show: ({ actor = '' }) => <Profile actor={actor} tab="replies" />,
  },
  {
    pattern: '/profile/:actor/media',
    show: ({ actor = '' }) => <Profile actor={actor} tab="media" />,
  },
  {
    pattern: '/profile/:actor/followers',
    show: ({ actor = '' }) => <PeopleAround key="followers" actor={actor} list="followers" />,
  },
  {
    pattern: '/profile/:actor/following',
    show: ({ actor = '' }) => <PeopleAround key="follows" actor={actor} list="follows" />,
  },
  {
    pattern: '/profile/:actor/post/:rkey',
    show: ({ actor = '', rkey = '' }) => (
      <Thread key={`${actor} ${rkey}`} actor={actor} rkey={rkey} />
    ),
  },
  {
    pattern: '/profile/:actor/post/:rkey/likes',
    show: ({ actor = '', rkey = '' }) => <Reactions actor={actor} rkey={rkey} kind="likes" />,
  },
  {
    pattern: '/profile/:actor/post/:rkey/reposts',
    show: ({ actor = '', rkey = '' }) => <Reactions actor={actor} rkey={rkey} kind="reposts" />,
  },
]

export interface Page {
  content: ComponentChildren
  mine: boolean
}

/** The page at a path. */
export function pageAt(path: string): Page {
  for (const { pattern, show, mine = false } of routes) {
    const found = matchPath(pattern, path)
    if (found) return { content: show(found), mine }
  }
  return { content: <NotFound />, mine: false }
}
