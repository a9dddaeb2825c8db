/** Feeds: choosing, pinning, reading them at home, and one that does not answer. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { skip, stage } from './stage.ts'
import { settled, signInAs } from './steps.ts'

const v2 = 'app.bsky.actor.defs#savedFeedsPrefV2'

describe('feeds', { skip }, () => {
  const set = stage()
  const of = (did: string) => set.network.world.preferences.get(did) ?? []

  it('are offered in the language of the page, and pinned among what others wrote', async () => {
    const { page, url, errors } = await set.open({ language: 'en' })
    const { did } = set.network.world.account('sara.test')!
    const theirs = { $type: 'app.bsky.actor.defs#threadViewPref', sort: 'oldest' }
    set.network.world.preferences.set(did, [theirs])
    await signInAs(page, set.network, 'sara.test')
    await page.getByRole('link', { name: 'All feeds' }).click()
    await page.getByText('Every post with a picture.').waitFor()
    assert.equal(await page.getByText('كل منشور فيه صورة.').count(), 0)
    await page.getByRole('button', { name: 'Pin Photos to the home page' }).click()
    await page.getByText('Photos is on your home page.').waitFor()
    assert.deepEqual(of(did)[0], theirs)
    const kept = of(did).find(({ $type }) => $type === v2) as unknown as {
      items: { type: string; value: string; pinned: boolean }[]
    }
    assert.deepEqual(
      kept.items.map(({ type, pinned }) => [type, pinned]),
      [
        ['timeline', true],
        ['feed', true],
      ],
    )
    await page.goto(url('/'))
    await page.locator('main nav').getByRole('link', { name: 'Photos' }).click()
    await page.locator('main article img').first().waitFor()
    assert.equal(await page.title(), 'Photos · Falaj')
    await page.goto(url('/feeds'))
    await page.getByRole('button', { name: 'Take Photos from the home page' }).click()
    await page.getByText('no longer on your home page').waitFor()
    assert.deepEqual(errors, [])
  })

  it('one that does not answer says so, and the rest is there', async () => {
    const { page, url } = await set.open({ language: 'ar' })
    await signInAs(page, set.network, 'khalid.test')
    const { uri } = set.network.world.generators[0]!
    set.network.fail.set('app.bsky.feed.getFeed', { status: 502, error: 'UpstreamFailure' })
    await page.goto(url(`/?${new URLSearchParams({ feed: uri })}`))
    await page.getByText('هذه الساقية لا تجيب').waitFor()
    await page.getByRole('link', { name: 'من تتابعهم' }).click()
    await page.locator('main article').first().waitFor()
    set.network.fail.clear()
    await page.goBack()
    await page.locator('main').getByRole('button', { name: 'حاول مجددًا' }).click()
    await page.locator('main article').first().waitFor()
    await settled(page)
  })

  it('a pin that cannot be kept is not shown as kept', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'nouf.test')
    await page.goto(url('/feeds'))
    const failure = { status: 502, error: 'UpstreamFailure' }
    set.network.fail.set('app.bsky.actor.putPreferences', failure)
    const pin = page.getByRole('button', { name: 'Pin Liked today' })
    await pin.click()
    await page.getByText('this was not saved').waitFor()
    assert.equal(await pin.getAttribute('aria-pressed'), 'false')
    set.network.fail.clear()
  })
})
