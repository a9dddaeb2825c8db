/** A labeler's words: what each means, and what one wants done about it. */
import { useEffect } from 'preact/hooks'
import { language } from '../app/prefs.ts'
import { inLanguage } from '../data/in-language.ts'
import { saidIn, type Word } from '../data/labeler-said.ts'
import { labelerOf, readLabelers } from '../data/labeler-words.ts'
import { mediaKinds } from '../data/labels.ts'
import { readPreferences } from '../data/preferences.ts'
import { labelers } from '../data/services.ts'
import { me } from '../data/session.ts'
import { Address } from '../parts/channel.tsx'
import { LabelWish } from '../parts/label-settings.tsx'
import { LabelerName, labelName } from '../parts/labels.tsx'
import { Head } from '../parts/page.tsx'
import { Empty } from '../parts/states.tsx'
import { listed, rich, t } from '../words/index.ts'

export function LabelerPage({ did }: { did: string }) {
  useEffect(() => {
    void readLabelers()
    if (me.peek()) readPreferences().catch(() => {})
  }, [did])
  const labeler = labelerOf(did)
  const service = labelers().find((one) => one.did === did)
  const words = labeler?.words ?? []
  const own = new Set(words.map(({ identifier }) => identifier))
  const shared = mediaKinds.filter((val) => labeler?.values.includes(val) && !own.has(val))
  return (
    <>
      <Head title={t('label.wordsTitle')} up="/settings" />
      <div class="body">
        <p class="lead">
          {rich('label.wordsLead', {
            name: (
              <b>
                <LabelerName did={did} />
              </b>
            ),
          })}{' '}
          {service && (
            <span class="small quiet">
              <Address url={service.url} />
            </span>
          )}
        </p>
        {labeler?.about && (
          <p class="soft" dir="auto">
            {inLanguage(labeler.about, language.value)}
          </p>
        )}
        {words.map((word) => (
          <WordRow key={word.identifier} word={word} src={did} />
        ))}
        {words.length === 0 && (
          <Empty
            title={t('label.wordsNone')}
            action={
              <a class="button ghost" href="/settings/service">
                {t('service.choose')}
              </a>
            }
          >
            {t('label.wordsNoneText')}
          </Empty>
        )}
        {shared.length > 0 && (
          <p class="small soft section">
            {rich('label.wordsShared', {
              names: listed(shared.map((val) => labelName({ val, src: '' }))),
              settings: <a href="/settings">{t('nav.settings')}</a>,
            })}
          </p>
        )}
      </div>
    </>
  )
}

function WordRow({ word, src }: { word: Word; src: string }) {
  const said = saidIn(word, language.value)
  return (
    <section class="setting">
      <div>
        <h2 dir="auto">{said?.name ?? word.identifier}</h2>
        {said?.about && <p dir="auto">{said.about}</p>}
      </div>
      {me.value && <LabelWish val={word.identifier} src={src} />}
    </section>
  )
}
