/** Connected apps: their owner sees what each may do, and ends it at once; nobody else does. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { TestApp } from '../../oauth/oauth.test-support.ts'
import { type Person, TestHost } from '../../testing/host.test-support.ts'
import { Browser, plainText } from '../browser.test-support.ts'

let host: TestHost
before(async () => {
  host = await TestHost.open()
})
after(() => host.close())

const SESSION = 'com.atproto.server.getSession'

async function at(person: Person, path: string): Promise<Browser> {
  const browser = new Browser(host, { 'accept-language': 'en' })
  await browser.signIn(person, `/account/sign-in?return=${encodeURIComponent(path)}`)
  return browser
}

const isIn = async (app: TestApp, token: string) =>
  (await app.call('GET', SESSION, token)).status === 200

test('an app is shown with what it may do, and stops the moment its owner takes that back', async () => {
  const [alice, bob] = [await host.signUp('alice'), await host.signUp('bob')]
  const [first, second] = [await TestApp.of(host), await TestApp.of(host)]
  const token = (await first.signIn(alice)).access_token
  const other = (await second.signIn(alice)).access_token
  const browser = await at(alice, '/account/apps')
  assert.match(plainText(browser.seen!.text), /Act for you in everything public/)
  const ids = [...browser.seen!.text.matchAll(/name="session" value="([^"]+)"/g)].map(
    ([, id]) => id!,
  )
  assert.equal(ids.length, 2)

  const stranger = await at(bob, '/account/apps')
  assert.match(plainText(stranger.seen!.text), /You have let no app in yet/)
  const form = new URLSearchParams({ session: ids[0]!, 'page-token': '' })
  assert.equal((await stranger.ask('POST', '/account/apps', form.toString())).status, 403)
  // With a token of their own, too.
  await stranger.open('/account/sessions')
  form.set('page-token', stranger.token())
  await stranger.ask('POST', '/account/apps', form.toString())
  assert.deepEqual([await isIn(first, token), await isIn(second, other)], [true, true])

  await browser.send('name="session"', { session: ids[0]! })
  const left = [await isIn(first, token), await isIn(second, other)]
  assert.equal(left.filter(Boolean).length, 1)
  assert.match(plainText(browser.seen!.text), /Taken back: the app has stopped/)
})

test('another password ends what apps were let do', async () => {
  const carol = await host.signUp('carol')
  const app = await TestApp.of(host)
  const token = (await app.signIn(carol)).access_token
  const browser = await at(carol, '/account/password')
  assert.equal(await isIn(app, token), true)
  await browser.send('name="again"', { password: 'a new one!', again: 'a new one!' })
  assert.equal(await isIn(app, token), false)
})
