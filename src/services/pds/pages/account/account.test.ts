/** The pages of an account: what its owner does there, and what nobody else may. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { testOutside } from '#platform/runtime'
import { readCar } from '#protocol/data'
import { readZip } from '../../exports/read-zip.test-support.ts'
import { type Person, TestHost } from '../../testing/host.test-support.ts'
import { Browser, plainText } from '../browser.test-support.ts'

const MINUTE_MS = 60_000
let host: TestHost
const txt = new Map<string, string[]>()
let web: (url: string) => Response = () => new Response('', { status: 404 })
before(async () => {
  const outside = testOutside({ seed: 3 })
  outside.resolveTxt = async (name) => txt.get(name) ?? []
  host = await TestHost.open({ outside, fetch: async (url) => web(String(url)) })
})
after(() => host.close())

const english = () => new Browser(host, { 'accept-language': 'en' })

async function signedIn(person: Person, path = '/account'): Promise<Browser> {
  const browser = english()
  await browser.signIn(person, `/account/sign-in?return=${encodeURIComponent(path)}`)
  assert.equal(browser.seen!.at, path)
  return browser
}

const session = ({ handle, password }: Person, input = {}) =>
  host.post('com.atproto.server.createSession', { identifier: handle, password, ...input })

const isOver = async ({ refreshJwt }: { refreshJwt: string }) =>
  (await host.post('com.atproto.server.refreshSession', undefined, refreshJwt)).status === 400

const purposes = async ({ did }: Person) => {
  const { letters } = await host.admin('listLetters', { recipient: did, limit: 20 })
  return letters.map((one: { purpose: string }) => one.purpose)
}

test('every page of an account is for its owner, and says so in both languages', async () => {
  const person = await host.signUp('everywhere')
  const browser = await signedIn(person)
  const paths = [...browser.seen!.text.matchAll(/href="(\/account\/?[\w-]*)"/g)].map(
    ([, one]) => one!,
  )
  const menu = [...new Set(paths)].filter((one) => !one.includes('sign-in'))
  assert.ok(menu.length >= 11, String(menu))
  for (const path of menu) {
    assert.match((await new Browser(host).open(path)).at, /^\/account\/sign-in\?return=/, path)
    for (const language of ['ar', 'en']) {
      const { status, text } = await browser.open(`${path}?lang=${language}`)
      assert.equal(status, 200, path)
      assert.doesNotMatch(text, /undefined|\[object|NaN/, path)
      const [main] = /<main[\s\S]*<\/main>/.exec(text)!
      const words = plainText(main.replaceAll(/<bdi[\s\S]*?<\/bdi>|<option>.*?<\/option>/g, ''))
      if (language === 'ar') assert.match(words, /[\u0600-\u06ff]{2}/, path)
      else assert.doesNotMatch(words, /[\u0600-\u06ff]/, path)
      // Headings in order, labels for fields, one main place.
      assert.equal(text.match(/<h1>/g)?.length, 1, path)
      for (const [, id] of text.matchAll(/<input[^>]*\bid="([\w-]+)"/g)) {
        assert.ok(text.includes(`<label for="${id}"`), `${path}: ${id} has no label`)
      }
    }
  }
})

test('who signed in a while ago is asked again before what is dangerous, and nothing is done before', async () => {
  const person = await host.signUp('waiting')
  const browser = await signedIn(person, '/account/password')
  const before = browser.cookies.get('__Host-falaj-device')
  await host.outside.advance(16 * MINUTE_MS)
  const fields = { password: 'another password', again: 'another password' }
  assert.match(
    (await browser.send('name="again"', fields)).at,
    /^\/account\/confirm\?return=%2Faccount%2Fpassword/,
  )
  assert.equal((await session(person)).status, 200, 'the password is what it was')
  assert.equal((await browser.send('name="password"', { password: 'wrong' })).status, 400)
  assert.equal(
    (await browser.send('name="password"', { password: person.password })).at,
    '/account/password',
  )
  assert.notEqual(browser.cookies.get('__Host-falaj-device'), before, 'with another secret')
  for (const path of ['second-factors', 'email', 'handle', 'app-passwords', 'export', 'leaving']) {
    assert.equal((await browser.open(`/account/${path}`)).at, `/account/${path}`)
  }
  await host.outside.advance(16 * MINUTE_MS)
  for (const path of [
    'second-factors',
    'email',
    'handle',
    'app-passwords',
    'export/everything.zip',
    'leaving',
  ]) {
    assert.match((await browser.open(`/account/${path}`)).at, /^\/account\/confirm/, path)
  }
  assert.equal((await browser.open('/account/devices')).at, '/account/devices')
})

test('another password signs everybody else out, and its owner is told', async () => {
  const person = await host.signUp('changing')
  const [browser, other] = [await signedIn(person, '/account/password'), await signedIn(person)]
  assert.equal(
    (await browser.send('name="again"', { password: 'a new one!', again: 'a new two!' })).status,
    400,
  )
  assert.equal(
    (await browser.send('name="again"', { password: 'short', again: 'short' })).status,
    400,
  )
  const { text } = await browser.send('name="again"', {
    password: 'a new one!',
    again: 'a new one!',
  })
  assert.match(plainText(text), /The password was changed/)
  assert.match((await other.open('/account')).at, /sign-in/)
  assert.equal((await browser.open('/account')).at, '/account')
  assert.equal(await isOver(person), true)
  assert.equal((await session({ ...person, password: 'a new one!' })).status, 200)
  assert.equal((await session(person)).status, 401)
  assert.ok((await purposes(person)).includes('notice-password'))
})

test('its owner is told of an app password, and of a password that an app replaced', async () => {
  const person = await host.signUp('told')
  const browser = await signedIn(person, '/account/app-passwords')
  await browser.send('name="name"', { name: 'from a page' })
  const server = 'com.atproto.server'
  await host.post(`${server}.createAppPassword`, { name: 'by an app' }, person.accessJwt)
  await host.post(`${server}.requestPasswordReset`, { email: person.email })
  const token = await host.mailedCode(person)
  await host.post(`${server}.resetPassword`, { token, password: 'a new one!' })
  const told = (await purposes(person)).filter((one: string) => one.startsWith('notice-'))
  assert.deepEqual(told.toSorted(), [
    'notice-app-password',
    'notice-app-password',
    'notice-password',
  ])
})

test('a forgotten password is replaced by a mailed code; nothing tells which addresses are known', async () => {
  const person = await host.signUp('forgetful')
  const seen = []
  for (const email of [person.email, 'nobody@mail.example']) {
    const browser = english()
    await browser.open('/account/forgotten')
    const { at, text } = await browser.send('name="email"', { email })
    seen.push({ at, text: text.replaceAll(/value="[\w-]{43}"/g, '') })
  }
  assert.deepEqual(seen[0], seen[1])
  const old = await signedIn(person)
  const browser = english()
  await browser.open('/account/forgotten?code=1')
  const fields = { code: await host.mailedCode(person), password: 'remembered now' }
  assert.equal((await browser.send('name="code"', { ...fields, code: 'AAAAA-BBBBB' })).status, 400)
  assert.match((await browser.send('name="code"', fields)).at, /sign-in\?hint=forgetful\.test/)
  assert.match((await old.open('/account')).at, /sign-in/)
  assert.equal((await session({ ...person, password: 'remembered now' })).status, 200)
})

test('an address is confirmed, then changed by its code, and the old one is written to', async () => {
  const person = await host.signUp('mailer')
  const browser = await signedIn(person, '/account/email')
  await browser.send('name="send"', { send: '1' })
  const code = await host.mailedCode(person)
  const bad = await browser.send('name="confirm"', { confirm: '1', code: 'AAAAA-AAAAA' })
  assert.equal(bad.status, 400)
  assert.match(
    plainText((await browser.send('name="confirm"', { confirm: '1', code })).text),
    /is confirmed/,
  )
  const taken = await browser.send('name="email"', { email: 'waiting@mail.example', code })
  assert.equal(taken.status, 400)
  await browser.send('name="send"', { send: '1' })
  const change = { email: 'new@mail.example', code: await host.mailedCode(person) }
  assert.match(plainText((await browser.send('name="email"', change)).text), /not confirmed yet/)
  const { letters } = await host.admin('listLetters', { recipient: person.email, limit: 5 })
  assert.equal(letters[0].purpose, 'notice-email')
})

test('a domain becomes a handle once it is proved; the check says what it found', async () => {
  const person = await host.signUp('poet')
  const browser = await signedIn(person, '/account/handle')
  const check = async (name = 'salma.om') =>
    plainText((await browser.send('name="check"', { name, check: '1' })).text)
  assert.match(
    await check(),
    /A DNS record nothing there yet .* A file on your site nothing there yet/,
  )
  txt.set('_atproto.salma.om', ['did=did:plc:somebodyelse234567abcdef'])
  web = () => new Response('down', { status: 502 })
  assert.match(
    await check(),
    /DNS record names another identity found: did:plc:somebodyelse234567abcdef .* no answer came/,
  )
  assert.equal((await browser.send('name="check"', { name: 'salma.om' })).status, 400)
  txt.set('_atproto.salma.om', [`did=${person.did}`, 'v=spf1 -all'])
  assert.match(await check(), /A DNS record right/)
  assert.match(await check('http://evil/'), /no handle/)
  assert.match(await check('localhost'), /no handle/)
  const done = await browser.send('name="check"', { name: 'salma.om' })
  assert.match(plainText(done.text), /Your handle now: @salma\.om/)
  const back = await browser.send('name="domain"', { name: 'poet2', domain: '.test' })
  assert.match(plainText(back.text), /Your handle now: @poet2\.test/)
  const taken = await browser.send('name="domain"', { name: 'mailer', domain: '.test' })
  assert.match(plainText(taken.text), /somebody else/)
})

test('an app password is shown once, used, seen to be used, and taken back with what it opened', async () => {
  const person = await host.signUp('apper')
  const browser = await signedIn(person, '/account/app-passwords')
  const made = await browser.send('name="purpose"', { name: 'قارئ <b>' })
  const password = /[a-z2-7]{4}(-[a-z2-7]{4}){3}/.exec(plainText(made.text))![0]
  const list = await browser.open('/account/app-passwords')
  assert.ok(!list.text.includes(password))
  assert.match(list.text, /قارئ &lt;b&gt;/)
  assert.match(plainText(list.text), /not used yet/)
  const app = await session({ ...person, password })
  assert.equal(app.status, 200)
  assert.match(plainText((await browser.open('/account/app-passwords')).text), /last used/)
  assert.match(
    plainText((await browser.open('/account/sessions')).text),
    /by the app password قارئ <b>/,
  )
  await browser.open('/account/app-passwords')
  await browser.send('name="revoke"', { revoke: 'قارئ <b>' })
  assert.equal(await isOver(app.body), true)
  assert.equal((await session({ ...person, password })).status, 401)
})

test('an app password for one purpose does that and nothing else, also after renewing', async () => {
  const person = await host.signUp('purposeful')
  const browser = await signedIn(person, '/account/app-passwords')
  const opened = async (purpose: string) => {
    await browser.open('/account/app-passwords')
    const made = await browser.send('name="purpose"', { name: `to ${purpose}`, purpose })
    const password = /[a-z2-7]{4}(-[a-z2-7]{4}){3}/.exec(plainText(made.text))![0]
    const { body } = await session({ ...person, password })
    assert.equal(body.email, undefined, 'it does not tell the address')
    const renewed = await host.post('com.atproto.server.refreshSession', undefined, body.refreshJwt)
    return renewed.body.accessJwt as string
  }
  const [post, read] = [await opened('post'), await opened('read')]
  assert.match(
    plainText((await browser.open('/account/app-passwords')).text),
    /to post .*posts only/,
  )
  const record = (collection: string) => ({
    repo: person.did,
    collection,
    record: { $type: collection, text: 'x', createdAt: '2026-01-01T00:00:00.000Z' },
  })
  const uri = (
    await host.post('com.atproto.repo.createRecord', record('app.bsky.feed.post'), person.accessJwt)
  ).body.uri
  const rkey = String(uri).split('/').at(-1)!
  const writes = [
    { $type: 'com.atproto.repo.applyWrites#delete', collection: 'app.bsky.feed.post', rkey },
  ]
  const CHAT = { 'atproto-proxy': 'did:web:chat.example#bsky_chat' }
  type Try = [
    what: string,
    post: string,
    read: string,
    call: (token: string) => Promise<{ status: number; body: { error?: string } }>,
  ]
  const [scope, forbidden] = ['403 ScopeMissingError', '403 Forbidden']
  const input = (nsid: string, value?: unknown) => (token: string) => host.post(nsid, value, token)
  const tries: Try[] = [
    [
      'write a post',
      'ok',
      forbidden,
      input('com.atproto.repo.createRecord', record('app.bsky.feed.post')),
    ],
    [
      'follow',
      scope,
      forbidden,
      input('com.atproto.repo.createRecord', record('app.bsky.graph.follow')),
    ],
    [
      'delete',
      scope,
      forbidden,
      input('com.atproto.repo.deleteRecord', {
        repo: person.did,
        collection: 'app.bsky.feed.post',
        rkey,
      }),
    ],
    [
      'delete among others',
      scope,
      forbidden,
      input('com.atproto.repo.applyWrites', { repo: person.did, writes }),
    ],
    [
      'read preferences',
      scope,
      'ok',
      (token) => host.get('app.bsky.actor.getPreferences', {}, token),
    ],
    [
      'write preferences',
      scope,
      forbidden,
      input('app.bsky.actor.putPreferences', { preferences: [] }),
    ],
    [
      'see the session',
      'ok',
      'ok',
      (token) => host.get('com.atproto.server.getSession', {}, token),
    ],
    [
      'a token for elsewhere',
      scope,
      forbidden,
      (token) =>
        host.get(
          'com.atproto.server.getServiceAuth',
          { aud: 'did:web:view.example', lxm: 'app.bsky.feed.getTimeline' },
          token,
        ),
    ],
    [
      'private messages',
      scope,
      scope,
      (token) => host.call('GET', 'chat.bsky.convo.listConvos', { token, headers: CHAT }),
    ],
    [
      'another handle',
      '400 InvalidToken',
      '400 InvalidToken',
      input('com.atproto.identity.updateHandle', { handle: 'other.test' }),
    ],
  ]
  for (const [what, posting, reading, call] of tries) {
    for (const [token, expected] of [
      [post, posting],
      [read, reading],
    ] as const) {
      const { status, body } = await call(token)
      const got = status === 200 ? 'ok' : `${status} ${body.error}`
      assert.equal(got, expected, `${what}: ${token === post ? 'post' : 'read'}`)
    }
  }
  const app = await host.post('com.atproto.server.createAppPassword', { name: 'more' }, post)
  assert.equal(app.status, 400, 'nor does it make others')
})

test('sessions and devices are ended one by one, and only one’s own', async () => {
  const [person, stranger] = [await host.signUp('ender'), await host.signUp('stranger')]
  const browser = await signedIn(person, '/account/sessions')
  const ids = [...browser.seen!.text.matchAll(/name="session" value="([^"]+)"/g)].map(
    ([, id]) => id!,
  )
  assert.equal(ids.length, 1)
  const thief = await signedIn(stranger, '/account/sessions')
  await thief.send('name="session"', { session: ids[0]! })
  assert.equal((await host.get('com.atproto.server.getSession', {}, person.accessJwt)).status, 200)
  const refreshed = await host.post(
    'com.atproto.server.refreshSession',
    undefined,
    person.refreshJwt,
  )
  assert.equal(refreshed.status, 200, 'a stranger ends nothing')
  await browser.open('/account/sessions')
  const [, id] = /name="session" value="([^"]+)"/.exec(browser.seen!.text)!
  await browser.send('name="session"', { session: id! })
  assert.equal(await isOver(refreshed.body), true)

  const phone = await signedIn(person)
  await browser.open('/account/devices')
  const devices = [...browser.seen!.text.matchAll(/name="device" value="([^"]+)"/g)].map(
    ([, one]) => one!,
  )
  assert.equal(devices.length, 2)
  await thief.open('/account/devices')
  for (const device of devices) await thief.send('name="device"', { device })
  assert.equal((await phone.open('/account')).at, '/account')
  await browser.send('name="all"', { all: '1' })
  assert.match((await phone.open('/account')).at, /sign-in/)
  assert.equal((await browser.open('/account')).at, '/account')
})

test('everything is in one archive: records, pictures, preferences', async () => {
  const person = await host.signUp('taker')
  const blob = await host.upload(person, 'a picture')
  const embed = {
    $type: 'app.bsky.embed.images',
    images: [{ alt: '', image: { $type: 'blob', ...blob } }],
  }
  const post = { $type: 'app.bsky.feed.post', text: 'mine', createdAt: '2026-01-01T00:00:00.000Z' }
  await host.write(person, 'mine', { record: { ...post, text: 'mine & <b>mine</b>', embed } })
  const preferences = [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: false }]
  await host.post('app.bsky.actor.putPreferences', { preferences }, person.accessJwt)
  const browser = await signedIn(person, '/account/export')
  assert.match(plainText(browser.seen!.text), /Records 1 Pictures and videos 1/)
  const { headers = {}, body } = await browser.ask('GET', '/account/export/everything.zip')
  assert.match(headers['content-disposition']!, /attachment; filename="taker\.test\.zip"/)
  const chunks: Uint8Array[] = []
  for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk)
  const files = readZip(Buffer.concat(chunks))
  const names = files.map(({ name }) => name)
  assert.deepEqual(names, [
    'account.json',
    'repo.car',
    'index.html',
    'preferences.json',
    'private/state.json',
    `blobs/${blob.ref.$link}`,
  ])
  const text = (i: number) => Buffer.from(files[i]!.bytes).toString()
  const { did, format } = JSON.parse(text(0))
  assert.deepEqual([did, format], [person.did, 'falaj-archive'])
  assert.ok(readCar(files[1]!.bytes))
  assert.match(text(2), /lang="en"[\s\S]*mine &amp; &lt;b&gt;mine&lt;\/b&gt;/)
  assert.ok(text(2).includes(`<img src="blobs/${blob.ref.$link}"`))
  assert.deepEqual(JSON.parse(text(3)), preferences)
  const state = JSON.parse(text(4))
  assert.deepEqual([state.did, state.preferences], [person.did, preferences])
  assert.equal(text(5), 'a picture')
})

test('an account is paused, brought back, and deleted by password and mailed code together', async () => {
  const person = await host.signUp('leaver')
  const browser = await signedIn(person, '/account/leaving')
  assert.match(plainText((await browser.send('name="pause"', { pause: '1' })).text), /is paused/)
  assert.equal(
    (await host.get('com.atproto.sync.getRepoStatus', { did: person.did })).body.active,
    false,
  )
  await browser.send('name="resume"', { resume: '1' })
  assert.equal(
    (await host.get('com.atproto.sync.getRepoStatus', { did: person.did })).body.active,
    true,
  )
  await browser.send('name="send"', { send: '1' })
  const code = await host.mailedCode(person)
  const wrong = [
    { password: person.password, code: 'AAAAA-AAAAA' },
    { password: 'not it', code },
  ]
  for (const fields of wrong) {
    assert.equal((await browser.send('name="delete"', { delete: '1', ...fields })).status, 400)
  }
  const gone = await browser.send('name="delete"', { delete: '1', password: person.password, code })
  assert.match(plainText(gone.text), /Your account is deleted/)
  assert.match((await browser.open('/account')).at, /sign-in/)
  assert.equal((await session(person)).status, 401)
})
