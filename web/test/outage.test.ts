/** When a layer is down: what is said, what goes on, and that it comes back by itself. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { skip, stage } from './stage.ts'
import { settled, signInAs } from './steps.ts'

describe('outages', { skip }, () => {
  const set = stage()

  it('the view is down: the page says what is safe, and trying again helps', async () => {
    const { page } = await set.open({ language: 'en' })
    const failure = { status: 502, error: 'UpstreamFailure' }
    set.network.fail.set('app.bsky.feed.getTimeline', failure)
    await signInAs(page, set.network, 'sara.test')
    await page.getByText('The view is not answering').waitFor()
    await page.getByText('your data is safe there').waitFor()
    set.network.fail.clear()
    await page.locator('main').getByRole('button', { name: 'Try again' }).click()
    await page.locator('main article').first().waitFor()
  })

  it('the relay is down: the channel shows where the water stops', async () => {
    const { page, url } = await set.open({ language: 'ar' })
    await signInAs(page, set.network, 'sara.test')
    set.network.down.add('relay')
    await page.goto(url('/data'))
    await page.locator('.stop[data-layer=relay][data-health=down]').waitFor()
    await page.getByText('مضيفك يحفظ كل شيء').waitFor()
    const water = await page
      .locator('.reach')
      .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.reach))
    assert.deepEqual(water, ['flowing', 'pooling', ...Array(5).fill('dry')])
    set.network.down.clear()
    await page.getByRole('button', { name: 'افحص مجددًا' }).click()
    await page.locator('.stop[data-layer=relay][data-health=well]').waitFor()
  })

  it('the own host is down: others can still be read', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'sara.test')
    set.network.down.add('pds')
    await page.goto(url('/profile/maya.two.test'))
    await page.getByText('Networks, gardens').waitFor()
    await page.goto(url('/'))
    await page.getByRole('heading', { name: 'Your host is not answering' }).waitFor()
    set.network.down.clear()
  })

  it('a dead token asks to sign in again, and says that nothing is lost', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'sara.test')
    await settled(page)
    set.network.expireTokens()
    const refused = { status: 400, error: 'ExpiredToken' }
    set.network.fail.set('com.atproto.server.refreshSession', refused)
    await page.goto(url('/notifications'))
    await page.getByText('Your sign-in has run out').waitFor()
    set.network.fail.clear()
    await page.locator('.banner a').click()
    const name = page.locator('input[autocomplete=username]')
    assert.equal(await name.inputValue(), 'sara.test')
  })

  it('offline is said, and unsaid', async () => {
    const { page } = await set.open({ language: 'ar' })
    await signInAs(page, set.network, 'khalid.test')
    await settled(page)
    await page.context().setOffline(true)
    await page.getByText('انقطع الاتصال').waitFor()
    await page.locator('main article .act.like').first().click()
    await page.locator('.toast').getByText('فلم يُحفظ هذا').waitFor()
    await page.context().setOffline(false)
    await page.locator('.banner').waitFor({ state: 'detached' })
  })

  it('follows the last post along the channel', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'sara.test')
    await page.goto(url('/data'))
    await settled(page)
    await page.getByRole('button', { name: 'Follow my last post' }).click()
    await page.getByText('has arrived everywhere').waitFor()
    assert.equal(await page.locator('.basin[data-passage=here]').count(), 3)
  })

  it('the copy of a repository is handed over as a file', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'sara.test')
    await page.goto(url('/data'))
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download' }).click()
    assert.match((await download).suggestedFilename(), /^sara\.test-\d{4}-\d\d-\d\d\.car$/)
    await page.getByText('48 kB').waitFor()
  })
})
