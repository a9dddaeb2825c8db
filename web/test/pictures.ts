/**
 * Takes pictures of every page in both languages, for people to look at:
 * `node web/test/pictures.ts <folder> [name-filter]`. Nothing is compared.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { builtClient, openBrowser, type View } from './browser.ts'
import { type FakeNetwork, startFakeNetwork } from './fake/network.ts'
import { seed } from './fake/seed.ts'
import { moderator, World } from './fake/world.ts'
import { settled, signInAs } from './steps.ts'

const folder = process.argv[2] ?? 'pictures'
const only = (process.argv[3] ?? '').split(',')

interface Shot {
  name: string
  path: string | ((network: FakeNetwork) => string)
  visitor?: boolean
  before?: (network: FakeNetwork) => void
  act?: (page: import('playwright-core').Page) => Promise<void>
  full?: boolean
}

const khalids = (network: FakeNetwork) =>
  network.world.posts
    .find(({ record }) => record.text.includes('#فلج'))!
    .uri.split('/')
    .at(-1)

const shots: Shot[] = [
  { name: 'welcome', path: '/', visitor: true },
  { name: 'sign-up', path: '/sign-up', visitor: true, full: true },
  { name: 'sign-in', path: '/sign-in', visitor: true },
  { name: 'home', path: '/', full: true },
  { name: 'thread', path: (network) => `/profile/khalid.test/post/${khalids(network)}` },
  { name: 'profile', path: '/profile/sara.test' },
  { name: 'profile-other', path: '/profile/maya.two.test' },
  { name: 'followers', path: '/profile/sara.test/followers' },
  { name: 'people', path: '/people' },
  {
    name: 'feeds',
    path: '/feeds',
    act: async (page) => {
      const pin = page.locator('.feed-card button[aria-pressed=false]')
      if ((await pin.count()) > 1) await pin.first().click()
      await page.locator('#mine').waitFor()
    },
  },
  {
    name: 'home-feed',
    path: ({ world }) => `/?${new URLSearchParams({ feed: world.generators[1]!.uri })}`,
  },
  { name: 'search', path: '/search?q=%D8%A7%D9%84%D9%81%D9%84%D8%AC' },
  {
    name: 'search-typing',
    path: '/search?q=khalid&in=people',
    act: async (page) => {
      await page.locator('main input[role=combobox]').fill('test')
      await page.locator('[role=option]').first().waitFor()
      await page.keyboard.press('ArrowDown')
    },
  },
  { name: 'search-nothing', path: '/search?q=xyzzy' },
  {
    name: 'search-down',
    path: '/search?q=falaj&in=latest',
    before: (network) => {
      network.fail.set('app.bsky.feed.searchPosts', { status: 502, error: 'UpstreamFailure' })
    },
  },
  { name: 'notifications', path: '/notifications' },
  { name: 'data', path: '/data', full: true },
  {
    name: 'data-outage',
    path: '/data',
    before: (network) => network.down.add('relay'),
    full: true,
  },
  { name: 'settings', path: '/settings', full: true },
  {
    name: 'compose',
    path: '/',
    act: async (page) => {
      await page.locator('.composer-line').click()
      await page
        .locator('dialog textarea')
        .fill('صباح الخير من مسقط @maya.two.test ☕️ https://example.org/نخيل #فلج and English too')
    },
  },
  {
    name: 'outage',
    path: '/',
    before: (network) => {
      network.fail.set('app.bsky.feed.getTimeline', { status: 502, error: 'UpstreamFailure' })
    },
  },
  {
    name: 'menu',
    path: '/profile/maya.two.test',
    act: async (page) => page.locator('.profile-row .menu > button').click(),
  },
  {
    name: 'report',
    path: '/profile/maya.two.test',
    act: async (page) => {
      await page.locator('.profile-row .menu > button').click()
      await page.locator('[role=menuitem]').last().click()
      await page.locator('dialog input[type=radio]').nth(2).check()
    },
  },
  {
    name: 'report-sent',
    path: '/profile/maya.two.test',
    act: async (page) => {
      await page.locator('.profile-row .menu > button').click()
      await page.locator('[role=menuitem]').last().click()
      await page.locator('dialog input[type=radio]').nth(2).check()
      await page.locator('dialog button[type=submit]').click()
      await page.locator('dialog [role=status]').waitFor()
    },
  },
  {
    name: 'quiet',
    path: '/settings/quiet',
    before: ({ world }) => {
      const [sara, khalid] = world.accounts
      world.mutes.set(sara!.did, new Set([khalid!.did]))
    },
  },
  {
    name: 'labels',
    path: '/profile/nouf.test',
    before: ({ world }) => {
      const src = moderator
      const [first, second] = world.posts.filter(
        ({ did }) => did === world.account('nouf.test')?.did,
      )
      world.labels.set(first!.uri, [{ src, val: '!warn' }])
      world.labels.set(second!.uri, [
        { src, val: 'graphic-media' },
        { src, val: 'spam' },
      ])
    },
  },
  {
    name: 'label',
    path: '/profile/nouf.test',
    before: ({ world }) => {
      const [first] = world.posts.filter(({ did }) => did === world.account('nouf.test')?.did)
      world.labels.set(first!.uri, [{ src: moderator, val: 'satire' }])
    },
    act: async (page) => page.locator('main .mark').first().click(),
  },
  { name: 'labeler', path: `/settings/labels/${moderator}` },
  {
    name: 'standing',
    path: '/settings/standing',
    before: ({ world }) => {
      const { did } = world.account('sara.test')!
      const [first, second] = world.posts.filter((post) => post.did === did)
      const decided = (post: typeof first, more: object) => ({
        ...{ subject: post!.uri, cid: post!.cid, takendown: false, labels: [] },
        ...{ decidedAt: world.at(50), ...more },
      })
      world.decisions.set(did, [
        decided(first, { labels: ['rumour'], reason: 'من أين جاء هذا؟' }),
        decided(second, { takendown: true, appeal: 'waiting', decidedAt: world.at(4_000) }),
      ])
    },
  },
  {
    name: 'service',
    path: '/settings/service',
    full: true,
    act: async (page) => page.locator('.stop-choice .link-button').first().click(),
  },
  {
    name: 'edit',
    path: '/profile/sara.test',
    act: async (page) => page.locator('.profile-row .buttons .button').click(),
  },
  {
    name: 'host-away',
    path: '/',
    before: (network) => network.down.add('pds'),
    act: async (page) => page.locator('main [role=alert]').waitFor(),
  },
  { name: 'empty', path: '/profile/nouf.test/replies' },
  { name: 'not-found', path: '/nowhere/at/all' },
]

const views: (View & { name: string })[] = [
  { name: 'ar-1280', language: 'ar', width: 1280, height: 900 },
  { name: 'en-1280', language: 'en', width: 1280, height: 900 },
  { name: 'ar-390', language: 'ar', width: 390, height: 844 },
  { name: 'en-390', language: 'en', width: 390, height: 844 },
  { name: 'ar-768-dark', language: 'ar', width: 768, height: 900, theme: 'dark' },
  { name: 'en-1280-dark', language: 'en', width: 1280, height: 900, theme: 'dark' },
]

await mkdir(folder, { recursive: true })
const dist = await builtClient()
for (const view of views) {
  const wanted = shots.filter(({ name }) =>
    only.some((part) => `${name}-${view.name}`.includes(part)),
  )
  if (wanted.length === 0) continue
  const world = new World(Date.now)
  const network = await startFakeNetwork(dist, world)
  seed(world)
  const browser = await openBrowser(view)
  const { page } = browser
  let signedIn = false
  for (const shot of wanted) {
    if (!shot.visitor && !signedIn) {
      await signInAs(page, network, 'sara.test')
      signedIn = true
    }
    network.down.clear()
    network.fail.clear()
    shot.before?.(network)
    const path = typeof shot.path === 'string' ? shot.path : shot.path(network)
    await page.goto(network.urls.web + path)
    await settled(page)
    await shot.act?.(page)
    await page.waitForTimeout(150)
    await page.screenshot({ path: join(folder, `${shot.name}-${view.name}.png`) })
    if (shot.full && view.width === 390) {
      const path = join(folder, `${shot.name}-${view.name}-full.png`)
      await page.screenshot({ path, fullPage: true })
    }
  }
  for (const error of browser.errors) console.error(`${view.name}: ${error}`)
  await browser.close()
  await network.close()
}
