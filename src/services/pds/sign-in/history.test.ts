/** Who came in, and who tried to: told to the owner, bounded whatever strangers do. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Browser, plainText } from '../pages/browser.test-support.ts'
import { type Person, TestHost } from '../testing/host.test-support.ts'
import { SignIns } from './history.ts'

const HOUR_MS = 3_600_000
let host: TestHost
before(async () => {
  host = await TestHost.open()
})
after(() => host.close())

const tryWith = (person: Person, password: string, ip = '192.0.2.7') =>
  host.call('POST', 'com.atproto.server.createSession', {
    input: { identifier: person.handle, password },
    ip,
    headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko Firefox/140.0' },
  })

const historyOf = async (person: Person, language: 'ar' | 'en' = 'en') => {
  const browser = new Browser(host, { 'accept-language': language })
  await browser.signIn(person)
  return plainText((await browser.open('/account/devices')).text)
}

test('wrong passwords are in the history with how often, alike ones as one line', async () => {
  const alice = await host.signUp('alice')
  for (let i = 0; i < 4; i++) assert.equal((await tryWith(alice, 'a guess')).status, 401)
  await tryWith(alice, 'a guess', '198.51.100.9')
  const browser = new Browser(host)
  await browser.signIn({ ...alice, password: 'a guess' })
  const text = await historyOf(alice)
  assert.match(text, /an app · Firefox, Linux · 192\.0\.2\.x wrong password ×4/)
  assert.match(text, /an app · Firefox, Linux · 198\.51\.100\.x wrong password/)
  assert.match(text, /these pages · Firefox, Linux · 127\.0\.0\.x wrong password/)
  assert.match(await historyOf(alice, 'ar'), /كلمة مرور خاطئة ×4/)
  await host.outside.advance(HOUR_MS)
  await tryWith(alice, 'a guess')
  const again = await historyOf(alice)
  assert.equal(again.match(/192\.0\.2\.x wrong password/g)?.length, 2, 'later is another line')
})

test('who confirms with a wrong password is noted too; names that nobody has leave no trace', async () => {
  const bob = await host.signUp('bob')
  const browser = new Browser(host, { 'accept-language': 'en' })
  await browser.signIn(bob)
  await host.outside.advance(HOUR_MS)
  await browser.open('/account/password')
  await browser.send(undefined, { password: 'a guess' })
  assert.match(await historyOf(bob), /these pages · Firefox, Linux · 127\.0\.0\.x wrong password/)
  const rows = async () =>
    (await host.sql.get<{ count: number }>('SELECT count(*) AS count FROM sign_ins'))!.count
  const before = await rows()
  await tryWith({ ...bob, handle: 'nobody.test' }, 'a guess')
  await host.outside.advance(HOUR_MS)
  assert.equal(await rows(), before)
})

test('a flood of wrong passwords pushes out nobody who came in, and fills nothing', async () => {
  const carol = await host.signUp('carol')
  const signIns = new SignIns({ sql: host.sql, now: host.outside.now })
  const from = (ip: string) => ({ headers: {}, ip })
  await signIns.note(carol.did, from('192.0.2.1'), { place: 'page', how: 'passkey', outcome: 'ok' })
  for (let net = 0; net < 300; net++)
    for (let i = 0; i < 3; i++)
      signIns.noteWrongPassword(carol.did, from(`10.${net >> 8}.${net & 255}.1`), 'app')
  const list = await signIns.list(carol.did)
  assert.equal(list.length, 51)
  assert.equal(list.filter(({ outcome }) => outcome === 'ok').length, 1)
  assert.ok(list.every(({ outcome, count }) => outcome === 'ok' || count === 3))
})

test('a wrong password is written when its time has come, or the host ends', async () => {
  const dave = await host.signUp('dave')
  const loop = host.loop('note-wrong-passwords')
  const rows = async () =>
    await host.sql.all('SELECT 1 FROM sign_ins WHERE did = ? AND outcome <> ?', [dave.did, 'ok'])
  await tryWith(dave, 'a guess')
  assert.equal((await rows()).length, 0, 'not while it is answered')
  await host.outside.advance(2_000)
  await host.until(async () => (await rows()).length === 1)
  await tryWith(dave, 'a guess', '203.0.113.5')
  await loop.stop()
  assert.equal((await rows()).length, 2)
})
