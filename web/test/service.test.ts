/** Choosing who serves: another view, other moderators, and what happens when they are none. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { skip, stage } from './stage.ts'
import { settled, signInAs } from './steps.ts'

const otherView = 'did:plc:otherviewotherviewotherv'
const otherLabeler = 'did:plc:otherlabelotherlabelothe'
const ownLabeler = 'did:plc:moderationmoderationmode'

describe('who serves', { skip }, () => {
  const set = stage()
  const last = (nsid: string) => set.network.asked.findLast((one) => one.nsid === nsid)

  it('shows every layer, how it is, and which at the side is away', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'sara.test')
    set.network.down.add('search')
    await page.goto(url('/settings/service'))
    await page.locator('.stop[data-layer=search][data-health=down]').waitFor()
    await page.getByText('Reading and writing go on').waitFor()
    await page.locator('.stop[data-layer=moderation][data-health=well]').waitFor()
    const layers = await page
      .locator('.stop[data-layer]')
      .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.layer))
    assert.deepEqual(layers, ['identity', 'host', 'relay', 'view', 'feeds', 'search', 'moderation'])
    assert.equal(await page.locator('.reach[data-reach=dry]').count(), 0)
    set.network.down.clear()
  })

  it('another view is used once it answers, on this device, and left again', async () => {
    const { page, url, errors } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'sara.test')
    await page.goto(url('/settings/service'))
    await page.getByRole('button', { name: 'Choose another view' }).click()
    const field = page.getByRole('textbox', { name: 'The other view' })
    await field.fill('nonsense')
    await page.getByRole('button', { name: 'Use it' }).click()
    await page.getByText('neither a DID nor an address').waitFor()
    await field.fill(otherLabeler)
    await page.getByRole('button', { name: 'Use it' }).click()
    await page.getByText('they offer no such service').waitFor()
    await field.fill(`${otherView}#bsky_appview`)
    await page.getByRole('button', { name: 'Use it' }).click()
    await page.getByText('You now see through the other view').waitFor()
    await page.goto(url('/'))
    await settled(page)
    assert.equal(last('app.bsky.feed.getTimeline')?.proxy, `${otherView}#bsky_appview`)
    await page.goto(url('/settings/service'))
    await page.getByRole('button', { name: 'Back to this page’s own' }).click()
    await page.goto(url('/'))
    await settled(page)
    assert.notEqual(last('app.bsky.feed.getTimeline')?.proxy, `${otherView}#bsky_appview`)
    assert.deepEqual(errors, [])
  })

  it('other moderators are followed, kept with the account, and asked in every call', async () => {
    const { page, url } = await set.open({ language: 'ar' })
    await signInAs(page, set.network, 'khalid.test')
    await settled(page)
    assert.equal(last('app.bsky.feed.getTimeline')?.labelers, ownLabeler)
    await page.goto(url('/settings/service'))
    await page.getByRole('button', { name: 'أضف مشرفين' }).click()
    await page.getByRole('textbox', { name: 'المشرفون' }).fill(otherLabeler)
    await page.getByRole('button', { name: 'استعمله' }).click()
    await page.getByText('حُفظ على هذا الجهاز ومع حسابك.').waitFor()
    const { did } = set.network.world.account('khalid.test')!
    const kept = set.network.world.preferences.get(did)!
    assert.deepEqual(kept, [
      {
        $type: 'app.bsky.actor.defs#labelersPref',
        labelers: [{ did: ownLabeler }, { did: otherLabeler }],
      },
    ])
    await page.goto(url('/'))
    await settled(page)
    const both = `${ownLabeler}, ${otherLabeler}`
    assert.equal(last('app.bsky.feed.getTimeline')?.labelers, both)

    // Another device of the same person takes it over.
    const { page: phone } = await set.open({ language: 'ar', width: 390 })
    await signInAs(phone, set.network, 'khalid.test')
    await phone.waitForFunction(
      (name) => localStorage.getItem('falaj.services')?.includes(name),
      otherLabeler,
    )
  })
})
