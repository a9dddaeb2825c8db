/** Reporting, muting and blocking, as a person does it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { moderator } from './fake/world.ts'
import { skip, stage } from './stage.ts'
import { signInAs } from './steps.ts'

describe('moderation', { skip }, () => {
  const set = stage()
  const menuOn = (page: Page) => page.locator('.profile-row .menu > button').click()

  it('a post is reported to the moderators of the network, with words of one’s own', async () => {
    const { page, url, errors } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'sara.test')
    await page.goto(url('/profile/khalid.test'))
    const post = page.locator('main article').first()
    const uri = await post.getAttribute('data-uri')
    await post.locator('.menu > button').click()
    await page.getByRole('menuitem', { name: 'Report this post' }).click()
    await page.getByText('will read this').waitFor()
    await page.getByRole('button', { name: 'Send report' }).click()
    await page.getByText('Please choose what comes closest.').waitFor()
    await page.getByRole('radio', { name: /Deceiving/ }).check()
    await page.getByRole('textbox', { name: /In your own words/ }).fill('ليس صحيحًا')
    await page.getByRole('button', { name: 'Send report' }).click()
    await page.getByText('Thank you for telling.').waitFor()
    const { to, body } = set.network.world.reports.at(-1)!
    assert.equal(to, `${moderator}#atproto_labeler`)
    assert.equal(body.reasonType, 'com.atproto.moderation.defs#reasonMisleading')
    assert.equal(body.reason, 'ليس صحيحًا')
    assert.equal((body.subject as { uri: string }).uri, uri)
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })
    assert.deepEqual(errors, [])
  })

  it('an account is reported; what was chosen stays when nobody answers', async () => {
    const { page, url } = await set.open({ language: 'ar', width: 390 })
    await signInAs(page, set.network, 'sara.test')
    await page.goto(url('/profile/maya.two.test'))
    await menuOn(page)
    await page.getByRole('menuitem', { name: 'بلّغ عن هذا الحساب' }).click()
    await page.locator('dialog input[type=radio]').first().check()
    const method = 'com.atproto.moderation.createReport'
    set.network.fail.set(method, { status: 502, error: 'UpstreamFailure' })
    await page.getByRole('button', { name: 'أرسل البلاغ' }).click()
    await page.locator('dialog [role=alert]').waitFor()
    set.network.fail.clear()
    await page.getByRole('button', { name: 'أرسل البلاغ' }).click()
    await page.getByText('شكرًا لأنك أخبرتنا.').waitFor()
    const { subject } = set.network.world.reports.at(-1)!.body as { subject: { $type: string } }
    assert.equal(subject.$type, 'com.atproto.admin.defs#repoRef')
  })

  it('a block stands between two people until it is taken back', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'sara.test')
    await page.goto(url('/profile/nouf.test'))
    await page.locator('main article').first().waitFor()
    await menuOn(page)
    await page.getByRole('menuitem', { name: /^Block/ }).click()
    await page.locator('dialog').getByRole('button', { name: 'Block', exact: true }).click()
    await page.getByText('You have blocked this account').waitFor()
    assert.equal(await page.locator('main article').count(), 0)
    await page.waitForFunction(() => document.querySelector('.toast') !== null)
    assert.equal(set.network.world.blocks.length, 1)
    await page.goto(url('/settings/quiet'))
    await page.getByRole('tab', { name: 'Blocked' }).click()
    await page.getByRole('button', { name: /^Unblock/ }).click()
    await page.getByText('is no longer blocked').waitFor()
    assert.equal(set.network.world.blocks.length, 0)
  })

  it('a mute keeps posts out of lists, and a view that keeps none says so', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'sara.test')
    const khalids = page.locator('main article', { hasText: '@khalid.test' })
    await page.goto(url('/search?q=%D8%A7%D9%84%D9%81%D9%84%D8%AC'))
    await khalids.first().locator('.menu > button').click()
    await page.getByRole('menuitem', { name: /^Mute/ }).click()
    await page.getByText('They will not know.').waitFor()
    assert.equal(await khalids.count(), 0)
    await page.getByRole('button', { name: 'Undo' }).click()
    await khalids.first().waitFor()
    const absent = { status: 501, error: 'MethodNotImplemented' }
    set.network.fail.set('app.bsky.graph.muteActor', absent)
    set.network.fail.set('app.bsky.graph.getMutes', absent)
    await khalids.first().locator('.menu > button').click()
    await page.getByRole('menuitem', { name: /^Mute/ }).click()
    await page.getByText('This view does not keep mutes').waitFor()
    await khalids.first().waitFor()
    await page.goto(url('/settings/quiet'))
    await page.getByRole('heading', { name: 'This view does not keep mutes' }).waitFor()
    set.network.fail.clear()
  })

  it('labels cover words and pictures until somebody uncovers them', async () => {
    const { world } = set.network
    const src = moderator
    const { did } = world.account('nouf.test')!
    const [words, pictures] = world.posts.filter((post) => post.did === did)
    world.labels.set(words!.uri, [{ src, val: '!warn' }])
    world.labels.set(pictures!.uri, [{ src: did, val: 'porn' }])
    const { page, url, errors } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'sara.test')
    await page.goto(url('/profile/nouf.test'))
    const first = page.locator('main article').first()
    await first.getByText('by the moderators of this network').waitFor()
    assert.equal(await first.locator('.post-text').count(), 0)
    const show = first.getByRole('button', { name: 'Show' })
    assert.equal(await show.getAttribute('aria-expanded'), 'false')
    await show.click()
    await first.locator('.post-text').first().waitFor()
    const second = page.locator('main article').nth(1)
    await second.getByText('by the author').waitFor()
    assert.equal(await second.getByRole('button', { name: /Open the picture/ }).count(), 0)
    await second.getByRole('button', { name: 'Show' }).click()
    await second
      .getByRole('button', { name: /Open the picture/ })
      .first()
      .waitFor()

    await page.goto(url('/settings'))
    await page.getByRole('group', { name: 'Adult content' }).getByText('Leave out').click()
    await page.getByText('Kept with your account.').waitFor()
    await page.goto(url('/profile/nouf.test'))
    await page.getByText('A post that is not shown').waitFor()
    world.labels.clear()
    assert.deepEqual(errors, [])
  })

  it('a labeler’s own words are told in the reader’s language, and each reader decides', async () => {
    const { world } = set.network
    const { did: khalid } = world.account('khalid.test')!
    const { did: sara } = world.account('sara.test')!
    const [first, second] = world.posts.filter(({ did, record }) => did === khalid && !record.reply)
    world.labels.set(first!.uri, [{ src: moderator, val: 'rumour' }])
    world.labels.set(second!.uri, [{ src: moderator, val: 'satire' }])
    const { page, url, errors } = await set.open({ language: 'ar' })
    await signInAs(page, set.network, 'sara.test')
    await page.goto(url('/profile/khalid.test'))
    const at = (uri: string) => page.locator(`main article[data-uri="${uri}"]`)
    await at(first!.uri).getByText('شائعة').waitFor()
    assert.equal(await at(first!.uri).locator('.post-text').count(), 0)
    await at(second!.uri).locator('.post-text').waitFor()

    // What a mark means is one press away, and so is one's own word about it.
    await at(second!.uri).getByRole('button', { name: 'سخرية' }).click()
    const dialog = page.getByRole('dialog', { name: 'سخرية' })
    await dialog.getByText('لم تُكتب لتُصدَّق.').waitFor()
    await dialog.getByText('أخفِ').click()
    await page.getByText('حُفظ مع حسابك.').waitFor()
    await page.keyboard.press('Escape')
    await page.getByText('منشور لا يُعرض').waitFor()
    await page.goto(url('/search?q=%D8%A7%D9%84%D9%81%D9%84%D8%AC'))
    await page.locator('main article').first().waitFor()
    assert.equal(await at(second!.uri).count(), 0)

    await page.goto(url('/settings'))
    await page.getByRole('link', { name: 'وسومهم' }).click()
    await page.getByText('لم يؤكدها أحد.').waitFor()
    await page.getByRole('group', { name: 'شائعة' }).getByText('اعرض').click()
    await page.getByText('حُفظ مع حسابك.').waitFor()
    assert.deepEqual(
      (world.preferences.get(sara) ?? [])
        .filter(({ labelerDid }) => labelerDid === moderator)
        .map(({ label, visibility }) => [label, visibility]),
      [
        ['satire', 'hide'],
        ['rumour', 'ignore'],
      ],
    )
    await page.goto(url('/profile/khalid.test'))
    await at(first!.uri).locator('.post-text').waitFor()
    world.labels.clear()
    assert.deepEqual(errors, [])
  })

  it('who was decided about is told why, and asks for another look', async () => {
    const { world } = set.network
    const { did } = world.account('khalid.test')!
    const post = world.posts.find((one) => one.did === did)!
    const decided = { subject: post.uri, cid: post.cid, takendown: false, labels: ['rumour'] }
    const reason = 'Where does this come from?'
    world.decisions.set(did, [{ ...decided, reason, decidedAt: world.at(5) }])
    const { page, url, errors } = await set.open({ language: 'en', width: 390 })
    await signInAs(page, set.network, 'khalid.test')
    await page.goto(url('/notifications'))
    await page.getByText('Moderators decided something about you.').waitFor()
    await page.getByRole('link', { name: 'Read it' }).click()
    await page.getByText(reason).waitFor()
    await page.locator('main .marks').getByText('Rumour').waitFor()
    await page.locator('main .answered').waitFor()
    await page.getByRole('button', { name: 'Ask them to look again' }).click()
    await page.getByRole('textbox', { name: 'Why should they look again?' }).fill('I was there.')
    const method = 'com.atproto.moderation.createReport'
    set.network.fail.set(method, { status: 502, error: 'UpstreamFailure' })
    await page.getByRole('button', { name: 'Send the appeal' }).click()
    await page.locator('dialog').getByText('The moderators are not answering').waitFor()
    set.network.fail.clear()
    await page.getByRole('button', { name: 'Send the appeal' }).click()
    await page.getByText('Your appeal is sent.').waitFor()
    const { to, body } = world.reports.at(-1)!
    assert.equal(to, `${moderator}#atproto_labeler`)
    assert.equal(body.reasonType, 'com.atproto.moderation.defs#reasonAppeal')
    assert.deepEqual(
      [body.reason, (body.subject as { uri: string }).uri],
      ['I was there.', post.uri],
    )
    await page.locator('dialog').getByRole('button', { name: 'Close' }).last().click()
    await page.getByText('They have not answered yet.').waitFor()
    await page.goto(url('/notifications'))
    await page.getByRole('heading', { name: 'Nothing yet' }).waitFor()
    assert.equal(await page.getByText('Moderators decided something').count(), 0)
    assert.deepEqual(errors, [])
  })
})
