/** What is covered, marked, shown or left out: one's own word for each label. */
import { useEffect } from 'preact/hooks'
import { say } from '../app/toasts.ts'
import { wordOf } from '../data/labeler-words.ts'
import {
  type Asks,
  mediaKinds,
  usualAsks,
  type Visibility,
  visibilityOf,
  withVisibility,
} from '../data/labels.ts'
import { changePreferences, preferences, readPreferences } from '../data/preferences.ts'
import { problemOf } from '../data/problem.ts'
import { labelers } from '../data/services.ts'
import { t } from '../words/index.ts'
import { Segments } from './form.tsx'
import { LabelerName, labelName } from './labels.tsx'

const wishes = ['ignore', 'warn', 'hide'] as const

/** One's word about a label: everybody's, or a labeler's own. */
export function LabelWish({ val, src }: { val: string; src?: string }) {
  const asks: Asks | undefined = (src && wordOf(src, val)) || usualAsks(val)
  const name = labelName({ val, src: src ?? '' })
  async function choose(wish: Visibility) {
    try {
      await changePreferences((before) => withVisibility(before, val, wish, src, asks?.adultOnly))
      say(t('label.saved'))
    } catch (error) {
      const again = { label: t('retry'), run: () => void choose(wish) }
      say(t(`failed.${problemOf(error).kind}`), again)
    }
  }
  const covers = asks !== undefined && asks.blurs !== 'none'
  return (
    <Segments<Visibility>
      name={`${src ?? ''} ${val}`}
      label={name}
      value={visibilityOf(preferences(), val, src, asks)}
      options={wishes.map((value) => ({
        value,
        label: t(value === 'warn' && !covers ? 'label.wish.mark' : `label.wish.${value}`),
      }))}
      onChoose={(wish) => void choose(wish)}
    />
  )
}

export function LabelSettings() {
  useEffect(() => {
    readPreferences().catch(() => {})
  }, [])
  return (
    <section class="section">
      <h2>{t('label.settings')}</h2>
      <p class="small soft">{t('label.settingsText')}</p>
      {mediaKinds.map((kind) => (
        <div class="setting" key={kind}>
          <div>{labelName({ val: kind, src: '' })}</div>
          <LabelWish val={kind} />
        </div>
      ))}
      {labelers().map(({ did }) => (
        <div class="setting" key={did}>
          <div class="opening">
            <LabelerName did={did} />
          </div>
          <a class="button ghost small" href={`/settings/labels/${did}`}>
            {t('label.words')}
          </a>
        </div>
      ))}
    </section>
  )
}
