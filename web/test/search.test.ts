/** Searching: one field, people while it is written in, posts and people found, and search away. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { skip, stage } from './stage.ts'
import { settled, signInAs } from './steps.ts'

describe('searching', { skip }, () => {
  const set = stage()

  it('finds posts and people by words, each in its tab', async () => {
    const { page, errors } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'sara.test')
    await settled(page)
    await page.keyboard.press('/')
    await page.waitForURL('**/search')
    const field = page.locator('main input[role=combobox]')
    await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'combobox')
    await field.fill('eleven seconds')
    await field.press('Enter')
    await page.locator('main article').nth(1).waitFor()
    assert.equal(await page.title(), 'Search: eleven seconds · Falaj')
    const tabs = page.getByRole('navigation', { name: 'What to search' })
    await tabs.getByRole('link', { name: 'Latest' }).click()
    await page.waitForURL('**/search?q=eleven+seconds&in=latest')
    await page.locator('main article').first().waitFor()
    await tabs.getByRole('link', { name: 'People' }).click()
    await page.getByText('Nobody found').waitFor()
    await field.fill('maya')
    await field.press('Enter')
    await page.locator('main .people').getByText('Networks, gardens').waitFor()
    assert.deepEqual(errors, [])
  })

  it('names people while the field is written in, and the keyboard reaches them', async () => {
    const { page, url } = await set.open({ language: 'ar' })
    await signInAs(page, set.network, 'sara.test')
    await page.goto(url('/search'))
    const field = page.locator('main input[role=combobox]')
    await field.fill('خالد')
    await page.locator('main [role=option]').first().waitFor()
    assert.equal(await field.getAttribute('aria-expanded'), 'true')
    await field.press('ArrowDown')
    const active = await field.getAttribute('aria-activedescendant')
    const chosen = page.locator(`[id="${active}"]`)
    assert.equal(await chosen.getAttribute('aria-selected'), 'true')
    await field.press('Escape')
    assert.equal(await field.getAttribute('aria-expanded'), 'false')
    await field.fill('خالد ا')
    await page.locator('main [role=option]').first().waitFor()
    await field.press('ArrowDown')
    await field.press('Enter')
    await page.waitForURL('**/profile/khalid.test')
  })

  it('a hashtag leads to the posts that have it', async () => {
    const { page, url } = await set.open({ language: 'ar' })
    await page.goto(url('/profile/khalid.test'))
    await page.locator('main article .post-text a', { hasText: '#فلج' }).click()
    await page.waitForURL(`**/search?${new URLSearchParams({ q: '#فلج', in: 'latest' })}`)
    await page.locator('main article').getByText('الماء في الفلج').first().waitFor()
  })

  it('search is down: it is said, the rest works, and trying again helps', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'sara.test')
    const failure = { status: 502, error: 'UpstreamFailure' }
    set.network.fail.set('app.bsky.feed.searchPosts', failure)
    set.network.fail.set('app.bsky.actor.searchActorsTypeahead', failure)
    await page.goto(url('/search?q=falaj'))
    await page.getByText('Search is not answering').waitFor()
    await page.locator('main input[role=combobox]').fill('@khalid.test')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/profile/khalid.test')
    set.network.fail.clear()
    await page.goBack()
    await page.locator('main').getByRole('button', { name: 'Try again' }).click()
    await page.locator('main article').first().waitFor()
  })
})
