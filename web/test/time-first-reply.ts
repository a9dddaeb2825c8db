/**
 * How long a newcomer takes from the door to a first reply, on a network of one process:
 * `node web/test/time-first-reply.ts`. Prints a line for each language, at a machine's pace (what we
 * take) and at a person's (a second and a half before each click, 200 letters a minute).
 */
import { builtClient, openBrowser } from './browser.ts'
import { firstReply, type Hand } from './first-day.ts'
import { openFirstAccount, startWhole } from './whole.ts'

const machine: Hand = {}
const person: Hand = { beforeClickMs: 1_500, perLetterMs: 300 }

await builtClient()
const whole = await startWhole()
try {
  const name = await openFirstAccount(whole, 'sara')
  for (const language of ['ar', 'en'] as const) {
    for (const [pace, hand] of Object.entries({ machine, person })) {
      const { page, close } = await openBrowser({ language, width: 390, height: 844 })
      const started = performance.now()
      const journey = await firstReply(
        page,
        whole.web,
        {
          language,
          handle: `new-${language}-${pace}`,
          password: 'plain words',
          seeks: { typed: 'sara', name },
          reply: language === 'ar' ? 'صباح الخير يا سارة' : 'Good morning, Sara',
        },
        hand,
      )
      const seconds = Number(((performance.now() - started) / 1000).toFixed(1))
      const { clicks, fields, letters } = journey
      console.log(JSON.stringify({ language, pace, seconds, clicks, fields, letters }))
      await close()
    }
  }
} finally {
  await whole.stop()
}
