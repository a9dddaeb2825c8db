/** People and posts for pictures: mixed scripts, long and short, with everything a page can show. */
import { facetsFrom, findMarks } from '../../src/data/facets.ts'
import type { PostRecord } from '../../src/data/views.ts'
import { landscape } from './png.ts'
import { moderator, type World } from './world.ts'

/** Fills the world; Sara (`sara.test`) is who the tests sign in as. */
export function seed(world: World): void {
  const add = world.addAccount.bind(world)
  const sara = add({
    handle: 'sara.test',
    name: 'سارة البلوشي',
    email: 'sara@example.test',
    bio: 'مهندسة مياه في مسقط. أكتب عن الأفلاج والبرمجة.\nWater engineer; I write about falaj and code.',
  })
  const khalid = add({
    handle: 'khalid.test',
    name: 'خالد الحارثي',
    bio: 'من نزوى. أحب النخل والكتب القديمة.',
  })
  const maya = add({
    handle: 'maya.two.test',
    host: 1,
    name: 'Maya Okonkwo',
    bio: 'Moved here with everything I had. Networks, gardens, long walks.',
  })
  const nouf = add({ handle: 'nouf.test', name: 'نوف السعدي', bio: 'مصوّرة.' })
  add({ handle: 'ahmed-idris.two.test', host: 1, name: 'Ahmed Idris | أحمد إدريس' })
  add({ handle: 'lena.two.test', host: 1, name: 'Lena Fischer', bio: 'Hydrology, maps, bread.' })
  add({ handle: 'a-handle-of-some-length.test' })

  world.blobs.set('falaj.png', {
    bytes: landscape(1200, 700, [143, 195, 191], [12, 74, 87]),
    type: 'image/png',
  })
  world.blobs.set('dusk.png', {
    bytes: landscape(800, 1000, [224, 169, 99], [90, 60, 90]),
    type: 'image/png',
  })
  world.blobs.set('oasis.png', {
    bytes: landscape(900, 900, [160, 200, 170], [30, 90, 60]),
    type: 'image/png',
  })
  world.blobs.set('maya.png', {
    bytes: landscape(120, 120, [164, 139, 208], [91, 75, 138]),
    type: 'image/png',
  })
  maya.avatar = 'maya.png'

  const post = (by: string, minutes: number, text: string, more: Partial<PostRecord> = {}) => {
    const dids = (handle: string) => world.account(handle)?.did
    const facets = facetsFrom(text, findMarks(text), dids)
    return world.addPost(by, { text, createdAt: world.at(minutes), facets, ...more })
  }
  const image = (name: string, alt: string, width: number, height: number) => ({
    image: { $type: 'blob', ref: { $link: name }, mimeType: 'image/png', size: 1 },
    alt,
    aspectRatio: { width, height },
  })

  post(
    'lena.two.test',
    60 * 24 * 9,
    'A map of every falaj we could find on foot. Corrections welcome: https://maps.example.org/falaj?lang=ar',
    {
      embed: {
        $type: 'app.bsky.embed.external',
        external: {
          uri: 'https://maps.example.org/falaj',
          title: 'A map of the aflaj of Oman',
          description:
            'Three thousand and ninety channels, four hundred villages, one source each.',
        },
      },
    },
  )
  post('a-handle-of-some-length.test', 60 * 24 * 3, '👩‍👩‍👧‍👦 🇴🇲 ❤️‍🔥')
  post('nouf.test', 60 * 30, 'مساء الخير من الجبل الأخضر', {
    embed: {
      $type: 'app.bsky.embed.images',
      images: [
        image('dusk.png', 'الجبل عند الغروب، والضوء برتقالي فوق المدرّجات', 800, 1000),
        image('oasis.png', 'مدرّجات خضراء', 900, 900),
        image('falaj.png', '', 1200, 700),
      ],
    },
  })
  const old = post(
    'khalid.test',
    60 * 26,
    'سؤال لأهل الخبرة: كم يستغرق نقل الحساب من مضيف إلى آخر؟',
  )
  const answer = post(
    'maya.two.test',
    60 * 25,
    'Eleven seconds for me, with 12,000 posts. @khalid.test جرّب «ابدأ الفحص» أولًا.',
    {
      reply: { root: old, parent: old },
    },
  )
  post(
    'sara.test',
    60 * 24,
    'تجربة: كتابة عربية ثم English words ثم عودة إلى العربية @maya.two.test في سطر واحد.',
  )
  const moved = post(
    'maya.two.test',
    125,
    'Moved my account from another continent to a host down the street. Same name, same followers, every post. It took eleven seconds and gave me a receipt.',
  )
  post('nouf.test', 58, 'هذا بالضبط ما كنت أنتظره.', {
    embed: { $type: 'app.bsky.embed.record', record: { uri: moved.uri, cid: moved.cid } },
  })
  const water = post(
    'khalid.test',
    22,
    'الماء في الفلج مِلكٌ للجميع، ولكلٍّ حصته التي لا يأخذها منه أحد. كذلك بياناتنا. #فلج',
    {
      embed: {
        $type: 'app.bsky.embed.images',
        images: [
          image('falaj.png', 'فلج دارس في نزوى: ماء رائق يجري بين جدارين من حجر', 1200, 700),
        ],
      },
    },
  )
  post('sara.test', 9, 'صحيح! وحتى عند انقطاع طبقة، تبقى الحصة محفوظة عند صاحبها.', {
    reply: { root: water, parent: water },
  })
  post('lena.two.test', 7, 'Beautiful. Which season is this?', {
    reply: { root: water, parent: water },
  })

  const follow = (by: string, whom: string, minutes: number) =>
    world.edge('follows', by, world.account(whom)!.did, world.at(minutes))
  for (const [index, { handle }] of world.accounts.entries()) {
    if (handle !== 'sara.test') follow(handle, 'sara.test', 60 * index + 3)
  }
  follow('sara.test', 'khalid.test', 600)
  follow('sara.test', 'maya.two.test', 600)
  follow('sara.test', 'nouf.test', 600)
  follow('khalid.test', 'maya.two.test', 600)
  for (const { handle } of world.accounts) world.edge('likes', handle, water.uri, world.at(5))
  for (const who of ['maya.two.test', 'nouf.test']) world.edge('reposts', who, water.uri)
  world.edge('reposts', 'khalid.test', moved.uri, world.at(50))
  for (const who of ['khalid.test', 'nouf.test', 'lena.two.test']) {
    world.edge('likes', who, moved.uri)
  }

  const maker = add({ handle: 'feeds.test', name: 'سواقي فلج · Falaj feeds' })
  const feed = (name: string, displayName: string, description: string) => ({
    uri: `at://${maker.did}/app.bsky.feed.generator/${name}`,
    cid: 'bafyfake',
    did: 'did:plc:feedsfeedsfeedsfeedsfeed',
    creator: world.person(maker.did),
    displayName,
    description,
    likeCount: 0,
    indexedAt: world.at(60 * 24 * 30),
  })
  world.generators = [
    feed(
      'liked',
      'محبوب · Liked today',
      'ما أعجب الناس هذه الأيام، ويخفت مع الوقت.\nWhat people like these days, fading with time.',
    ),
    feed('photos', 'صور · Photos', 'كل منشور فيه صورة.\nEvery post with a picture.'),
  ]

  world.policies.set(moderator, {
    labelValues: ['!hide', '!warn', 'porn', 'nudity', 'rumour', 'satire'],
    labelValueDefinitions: [
      word(
        'rumour',
        'content',
        'alert',
        ['Rumour', 'Nobody could confirm it.'],
        ['شائعة', 'لم يؤكدها أحد.'],
      ),
      word(
        'satire',
        'none',
        'inform',
        ['Satire', 'Not meant to be believed.'],
        ['سخرية', 'لم تُكتب لتُصدَّق.'],
      ),
    ],
  })

  const mine = world.posts.find(({ did, record }) => did === sara.did && !record.reply)!
  const note = (reason: string, by: string, minutes: number, more: object = {}) => ({
    uri: `at://${world.account(by)!.did}/app.fake/${reason}${minutes}`,
    cid: 'bafyfake',
    author: world.person(by, sara.did),
    reason,
    record: { text: '', createdAt: world.at(minutes) },
    isRead: minutes > 60,
    indexedAt: world.at(minutes),
    ...more,
  })
  const about = { reasonSubject: mine.uri }
  world.notes = [
    note('like', khalid.handle, 4, about),
    note('like', maya.handle, 11, about),
    note('like', nouf.handle, 12, about),
    note('follow', 'lena.two.test', 31),
    note('repost', nouf.handle, 90, about),
    note('reply', maya.handle, 60 * 25, { uri: answer.uri }),
    note('follow', khalid.handle, 60 * 26),
    note('follow', nouf.handle, 60 * 27),
  ]
}

type Said = readonly [name: string, description: string]

/** A word of the moderators, explained in both languages. */
function word(identifier: string, blurs: string, severity: string, en: Said, ar: Said) {
  const locales = [
    { lang: 'en', name: en[0], description: en[1] },
    { lang: 'ar', name: ar[0], description: ar[1] },
  ]
  return { identifier, blurs, severity, defaultSetting: 'warn', adultOnly: false, locales }
}
