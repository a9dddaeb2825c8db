/** What is covered, shown or left out: one's own word for each kind of picture. */
import { useEffect } from 'preact/hooks'
import { say } from '../app/toasts.ts'
import {
  type MediaKind,
  mediaKinds,
  type Visibility,
  visibilityOf,
  withVisibility,
} from '../data/labels.ts'
import { changePreferences, preferences, readPreferences } from '../data/preferences.ts'
import { problemOf } from '../data/problem.ts'
import { t } from '../words/index.ts'
import { Segments } from './form.tsx'
import { labelName } from './labels.tsx'

const wishes = ['ignore', 'warn', 'hide'] as const

export function LabelSettings() {
  useEffect(() => {
    readPreferences().catch(() => {})
  }, [])
  const list = preferences()
  async function choose(kind: MediaKind, wish: Visibility) {
    try {
      await changePreferences((before) => withVisibility(before, kind, wish))
      say(t('label.saved'))
    } catch (error) {
      const again = { label: t('retry'), run: () => void choose(kind, wish) }
      say(t(`failed.${problemOf(error).kind}`), again)
    }
  }
  return (
    <section class="section">
      <h2>{t('label.settings')}</h2>
      <p class="small soft">{t('label.settingsText')}</p>
      {mediaKinds.map((kind) => (
        <div class="setting" key={kind}>
          <div>{labelName(kind)}</div>
          <Segments<Visibility>
            name={kind}
            label={labelName(kind)}
            value={visibilityOf(list, kind)}
            options={wishes.map((value) => ({ value, label: t(`label.wish.${value}`) }))}
            onChoose={(wish) => void choose(kind, wish)}
          />
        </div>
      ))}
    </section>
  )
}
