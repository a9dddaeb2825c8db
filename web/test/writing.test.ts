/** What people do: sign up and in, post, reply, like, follow, undo; and when it fails. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { landscape } from './fake/png.ts'
import { skip, stage } from './stage.ts'
import { settled, signInAs } from './steps.ts'

describe('writing', { skip }, () => {
  const set = stage()

  it('a newcomer chooses a host and a handle, and is at home', async () => {
    const { page, url, errors } = await set.open({ language: 'ar' })
    await page.goto(url('/'))
    await page.getByRole('link', { name: 'حساب جديد' }).first().click()
    await page.locator('input[type=radio]').nth(1).check()
    await page.locator('input[autocomplete=name]').fill('ليلى')
    await page.locator('input[autocomplete=username]').fill('khalid')
    await page.locator('input[autocomplete=username]').fill(' @Layla ')
    await page.locator('.hint[data-tone=good]').waitFor()
    await page.locator('input[type=password]').fill('ثلاث كلمات هنا')
    await page.locator('form button[type=submit]').click()
    await page.waitForURL(url('/people'))
    const made = set.network.world.account('layla.two.test')
    assert.equal(made?.host, 1)
    assert.equal(made?.name, 'ليلى')
    assert.equal(made?.email, undefined)
    assert.deepEqual(errors, [])
  })

  it('says so when a handle is taken, before anything is sent', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await page.goto(url('/sign-up'))
    await page.locator('input[autocomplete=username]').fill('khalid')
    await page.getByText('is taken').waitFor()
  })

  it('finds the host of a handle by itself, and says when the password is wrong', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await page.goto(url('/sign-in'))
    await page.locator('input[autocomplete=username]').fill('\u2067@maya.two.test\u2069')
    await page.locator('input[type=password]').fill('wrong')
    await page.locator('form button[type=submit]').click()
    await page.getByText('did not accept').waitFor()
    await page.locator('input[type=password]').fill('one two three')
    await page.locator('form button[type=submit]').click()
    await page.waitForURL(url('/'))
    const kept = await page.evaluate(() => localStorage.getItem('falaj.sessions') ?? '')
    assert.ok(kept.includes(set.network.urls.two))
    assert.ok(!kept.includes('one two three'))
  })

  it('renews a sign-in that has run out, once for all calls', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'nouf.test')
    await settled(page)
    set.network.expireTokens()
    const before = count('refreshSession')
    await page.goto(url('/notifications'))
    await settled(page)
    await page.getByText('Nothing yet').waitFor()
    assert.equal(count('refreshSession') - before, 1)
  })

  it('posts words with marks and a picture with its description', async () => {
    const { page, errors } = await set.open({ language: 'ar' })
    await signInAs(page, set.network, 'sara.test')
    await page.locator('.composer-line').click()
    const text = 'صباح الخير 👋 @maya.two.test https://example.org/نخيل. #فلج'
    await page.locator('dialog textarea').fill(text)
    await page.locator('dialog input[type=file]').setInputFiles({
      name: 'big.png',
      mimeType: 'image/png',
      buffer: Buffer.from(landscape(2600, 1300, [120, 180, 200], [10, 60, 80])),
    })
    await page.locator('.composer-image textarea').fill('بحر هادئ')
    await page.locator('dialog button[type=submit]').click()
    await page.locator('dialog').waitFor({ state: 'detached' })
    await page.locator('main article').first().getByText('صباح الخير').waitFor()
    const { record } = set.network.world.posts[0]!
    assert.equal(record.text, text)
    assert.deepEqual(record.langs, ['ar'])
    assert.deepEqual(
      record.facets?.map(({ index, features }) => [
        Buffer.from(text).subarray(index.byteStart, index.byteEnd).toString(),
        features[0]?.$type.split('#')[1],
      ]),
      [
        ['@maya.two.test', 'mention'],
        ['https://example.org/نخيل', 'link'],
        ['#فلج', 'tag'],
      ],
    )
    interface Images {
      images: { alt: string; aspectRatio: object; image: { ref: { $link: string } } }[]
    }
    const [image] = (record.embed as Images).images
    assert.equal(image?.alt, 'بحر هادئ')
    assert.deepEqual(image?.aspectRatio, { width: 2000, height: 1000 })
    const blob = set.network.world.blobs.get(image!.image.ref.$link)!
    assert.equal(blob.type, 'image/jpeg')
    assert.ok(blob.bytes.length < 1_000_000)
    assert.deepEqual(errors, [])
  })

  it('counts what people see as characters, and stops at three hundred', async () => {
    const { page } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'sara.test')
    await page.locator('.composer-line').click()
    const post = page.locator('dialog button[type=submit]')
    await page.locator('dialog textarea').fill('👩‍👩‍👧‍👦'.repeat(10))
    assert.equal(await page.locator('.counter span[aria-hidden]').textContent(), '290')
    await page.locator('dialog textarea').fill('ا'.repeat(301))
    assert.equal(await page.locator('.counter').getAttribute('data-tone'), 'bad')
    assert.ok(await post.isDisabled())
    await page.locator('dialog textarea').fill('   ')
    assert.ok(await post.isDisabled())
  })

  it('keeps the words when a post cannot be sent, and sends them once when it can', async () => {
    const { page } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'sara.test')
    await page.locator('.composer-line').click()
    await page.locator('dialog textarea').fill('Water finds its way.')
    set.network.fail.set('com.atproto.repo.createRecord', { status: 503, error: 'Unavailable' })
    await page.locator('dialog button[type=submit]').click()
    await page.getByText('Not posted yet.').waitFor()
    set.network.fail.clear()
    await page.keyboard.press('Escape')
    await page.locator('.composer-line').click()
    assert.equal(await page.locator('dialog textarea').inputValue(), 'Water finds its way.')
    await page.locator('dialog button[type=submit]').click()
    await page.locator('dialog').waitFor({ state: 'detached' })
    const written = set.network.world.posts.filter(({ record }) => record.text.startsWith('Water'))
    assert.equal(written.length, 1)
  })

  it('answers a post, in the thread and in its record', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'nouf.test')
    const { world } = set.network
    const question = world.posts.find(({ record }) => record.text.startsWith('Beautiful'))!
    await page.goto(url(`/profile/lena.two.test/post/${question.uri.split('/').at(-1)}`))
    await settled(page)
    await page.getByRole('button', { name: 'Reply to Lena Fischer' }).click()
    await page.locator('dialog textarea').fill('Early spring.')
    await page.locator('dialog button[type=submit]').click()
    await page.locator('main').getByText('Early spring.').waitFor()
    const { reply } = world.posts[0]!.record
    assert.equal(reply?.parent.uri, question.uri)
    assert.equal(reply?.root.uri, question.record.reply?.root.uri)
  })

  it('shows a like at once and takes it back when the host says no', async () => {
    const { page } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'nouf.test')
    await settled(page)
    const like = page.locator('main article .act.like').first()
    const liked = () => like.getAttribute('aria-pressed')
    assert.equal(await liked(), 'false')
    set.network.fail.set('com.atproto.repo.createRecord', { status: 500, error: 'Broken' })
    await like.click()
    await page.locator('.toast').waitFor()
    assert.equal(await liked(), 'false')
    set.network.fail.clear()
    await page.locator('.toast button').click()
    await page.waitForFunction(
      () => document.querySelector('main article .act.like')?.ariaPressed === 'true',
    )
    const did = set.network.world.account('nouf.test')!.did
    await waitFor(() => set.network.world.likes[0]?.by === did)
    await like.click()
    await waitFor(() => set.network.world.likes[0]?.by !== did)
    assert.equal(await liked(), 'false')
  })

  it('follows, stops, and follows again from the message', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'nouf.test')
    await page.goto(url('/profile/lena.two.test'))
    await settled(page)
    const { world } = set.network
    const nouf = world.account('nouf.test')!.did
    const lena = world.account('lena.two.test')!.did
    const follows = () => world.follows.some(({ by, subject }) => by === nouf && subject === lena)
    await page.locator('main').getByRole('button', { name: 'Follow Lena Fischer' }).click()
    await waitFor(follows)
    await page.locator('main').getByRole('button', { name: 'Stop following' }).click()
    await waitFor(() => !follows())
    await page.locator('.toast').getByText('Undo').click()
    await waitFor(follows)
  })

  it('deletes only after asking', async () => {
    const { page, url } = await set.open({ language: 'ar' })
    await signInAs(page, set.network, 'khalid.test')
    await page.goto(url('/profile/khalid.test'))
    await settled(page)
    const before = set.network.world.posts.length
    await page.locator('main article .post-menu button').first().click()
    await page.getByRole('menuitem', { name: 'احذف' }).click()
    assert.equal(set.network.world.posts.length, before)
    await page.locator('dialog .danger').click()
    await waitFor(() => set.network.world.posts.length === before - 1)
    await page.getByText('حُذف المنشور.').waitFor()
  })

  it('changes a name without losing what it does not know', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'maya.two.test')
    await page.goto(url('/profile/maya.two.test'))
    await page.getByRole('button', { name: 'Edit profile' }).click()
    await page.locator('dialog input[dir=auto]').fill('Maya O.')
    await page.locator('dialog button[type=submit]').click()
    await page.locator('.profile-name').getByText('Maya O.').waitFor()
    assert.equal(set.network.world.account('maya.two.test')?.name, 'Maya O.')
  })

  it('puts pictures on one’s page, and takes one away without the other', async () => {
    const { page, url, errors } = await set.open({ language: 'ar', width: 390 })
    await signInAs(page, set.network, 'khalid.test')
    await page.goto(url('/profile/khalid.test'))
    const edit = page.getByRole('button', { name: 'عدّل صفحتك' })
    const choose = async (name: string) => {
      const chosen = page.waitForEvent('filechooser')
      await page.getByRole('button', { name: `اختر: ${name}` }).click()
      await (await chosen).setFiles({
        name: 'p.png',
        mimeType: 'image/png',
        buffer: Buffer.from(landscape(900, 300, [120, 180, 200], [10, 60, 80])),
      })
      await page.getByRole('button', { name: `أزل: ${name}` }).waitFor()
    }
    const account = set.network.world.account('khalid.test')!
    await edit.click()
    await choose('صورتك')
    await choose('الصورة التي تعلو صفحتك')
    await page.locator('dialog button[type=submit]').click()
    await page.locator('dialog').waitFor({ state: 'detached' })
    await page.locator('.profile-banner img').waitFor()
    assert.ok(account.avatar && account.banner)
    await edit.click()
    await page.getByRole('button', { name: 'أزل: صورتك' }).click()
    await page.locator('dialog button[type=submit]').click()
    await page.locator('dialog').waitFor({ state: 'detached' })
    assert.equal(await page.locator('.profile-top .avatar img').count(), 0)
    assert.equal(account.avatar, undefined)
    assert.ok(account.banner)
    assert.deepEqual(errors, [])
  })

  it('speaks another language at once when asked to, and remembers', async () => {
    const { page, url } = await set.open({ language: 'ar' })
    await page.goto(url('/settings'))
    await page.getByText('English').click()
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor()
    assert.equal(await page.locator('html').getAttribute('dir'), 'ltr')
    await page.getByText('Dark', { exact: true }).click()
    await page.reload()
    await settled(page)
    assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark')
    assert.equal(await page.locator('html').getAttribute('lang'), 'en')
  })

  it('leaves nothing on the device when it is cleared', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'sara.test')
    await page.goto(url('/settings'))
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.locator('dialog .danger').click()
    await page.waitForURL(url('/'))
    await page.getByRole('heading', { level: 1 }).getByText('One source').waitFor()
    assert.equal(await page.evaluate(() => localStorage.length), 0)
  })

  function count(method: string): number {
    return set.network.calls.filter((call) => call.endsWith(method)).length
  }
})

async function waitFor(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 200; round++) {
    if (condition()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  assert.fail('it did not come')
}
