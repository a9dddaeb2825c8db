import type { Sql } from '#platform/storage'
import { cidForCbor } from '#protocol/crypto'
import { cidText, encodeCbor } from '#protocol/data'

export const DECLARATION = 'app.bsky.labeler.service'

/** What the labeler says of itself, as a record would. */
export interface Declaration {
  cid: string
  value: Record<string, unknown>
}

interface Word {
  identifier: string
  blurs: 'content' | 'media' | 'none'
  severity: 'alert' | 'inform'
  en: readonly [name: string, description: string]
  ar: readonly [name: string, description: string]
}

/** Values that mean the same at every labeler. */
const GLOBAL = ['!hide', '!warn', 'porn', 'sexual', 'nudity', 'graphic-media']

/** Our own words. */
const WORDS: readonly Word[] = [
  {
    identifier: 'spam',
    blurs: 'content',
    severity: 'inform',
    en: ['Spam', 'Unwanted, repeated, or only there to draw people elsewhere.'],
    ar: ['إغراق', 'غير مرغوب فيه أو مكرّر، أو وُضع ليجرّ الناس إلى غيره.'],
  },
  {
    identifier: 'rude',
    blurs: 'content',
    severity: 'inform',
    en: ['Rude', 'Insults people or wants to hurt them.'],
    ar: ['مسيء', 'يهين الناس أو يريد إيذاءهم.'],
  },
  {
    identifier: 'misleading',
    blurs: 'content',
    severity: 'alert',
    en: ['Misleading', 'Says what is not so, or pretends to be somebody else.'],
    ar: ['مضلّل', 'يقول ما ليس صحيحًا أو ينتحل صفة غيره.'],
  },
]

/** Made once; the time of the first start stays in it. */
export async function loadDeclaration(sql: Sql, nowMs: number): Promise<Declaration> {
  await sql.run(
    `insert into setting (name, value) values ('declared', ?) on conflict (name) do nothing`,
    [new Date(nowMs).toISOString()],
  )
  const row = await sql.get<{ value: string }>(`select value from setting where name = 'declared'`)
  const value = {
    $type: DECLARATION,
    policies: {
      labelValues: [...GLOBAL, ...WORDS.map(({ identifier }) => identifier)],
      labelValueDefinitions: WORDS.map(({ identifier, blurs, severity, en, ar }) => ({
        identifier,
        blurs,
        severity,
        defaultSetting: 'warn',
        adultOnly: false,
        locales: [
          { lang: 'en', name: en[0], description: en[1] },
          { lang: 'ar', name: ar[0], description: ar[1] },
        ],
      })),
    },
    subjectTypes: ['account', 'record'],
    createdAt: row!.value,
  }
  return { value, cid: cidText(cidForCbor(encodeCbor(value))) }
}
