/** The page without a mouse: menus, dialogs, tabs. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { skip, stage } from './stage.ts'
import { settled, signInAs } from './steps.ts'

describe('by keyboard alone', { skip }, () => {
  const set = stage()
  const here = (page: Page) =>
    page.evaluate(() => {
      const element = document.activeElement
      return element?.getAttribute('aria-label') ?? element?.textContent ?? ''
    })

  it('a menu opens, moves, closes, and gives the focus back', async () => {
    const { page, url } = await set.open({ language: 'en' })
    await signInAs(page, set.network, 'sara.test')
    await page.goto(url('/profile/khalid.test'))
    await settled(page)
    const opener = page.locator('.profile-row .menu > button')
    await opener.focus()
    await page.keyboard.press('Enter')
    assert.match(await here(page), /^Mute/)
    await page.keyboard.press('End')
    assert.equal(await here(page), 'Report this account')
    await page.keyboard.press('ArrowDown')
    assert.match(await here(page), /^Mute/)
    await page.keyboard.press('Escape')
    assert.match(await here(page), /^More about/)
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    assert.equal(await page.getByRole('menu').count(), 0)
    assert.match(await here(page), /Follow|Stop following/)
  })

  it('a dialog holds the focus, closes with Escape, and leads back to where it was opened', async () => {
    const { page, url } = await set.open({ language: 'ar' })
    await signInAs(page, set.network, 'sara.test')
    await page.goto(url('/profile/khalid.test'))
    await settled(page)
    await page.locator('.profile-row .menu > button').focus()
    await page.keyboard.press('Enter')
    await page.keyboard.press('End')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'بلّغ عن هذا الحساب' }).waitFor()
    for (let stop = 0; stop < 12; stop++) {
      await page.keyboard.press('Tab')
      const outside = await page.evaluate(
        () => document.activeElement?.closest('main a, nav') !== null,
      )
      assert.equal(outside, false)
    }
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })
    await page.waitForFunction(() => document.activeElement?.ariaHasPopup === 'menu')

    await page.goto(url('/'))
    await settled(page)
    await page.locator('.composer-line').focus()
    await page.keyboard.press('Enter')
    await page.locator('dialog textarea').waitFor()
    await page.keyboard.press('Escape')
    await page.waitForFunction(() => document.activeElement?.classList.contains('composer-line'))
  })

  it('tabs are one stop, and arrows go between them', async () => {
    const { page, url } = await set.open({ language: 'ar' })
    await signInAs(page, set.network, 'sara.test')
    await page.goto(url('/settings/quiet'))
    await settled(page)
    await page.getByRole('tab', { name: 'المكتومون' }).focus()
    await page.keyboard.press('ArrowLeft')
    assert.equal(await here(page), 'المحظورون')
    await page.getByRole('tabpanel', { name: 'المحظورون' }).waitFor()
    assert.equal(await page.locator('[role=tab][tabindex="0"]').count(), 1)
  })
})
