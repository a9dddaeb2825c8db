/** An address that leads nowhere. */

import { Head } from '../parts/page.tsx'
import { SourceScene } from '../parts/scenes.tsx'
import { t } from '../words/index.ts'

export function NotFound() {
  return (
    <>
      <Head title={t('notFound.title')} up="/" />
      <div class="state">
        <SourceScene />
        <h2>{t('notFound.what')}</h2>
        <p>{t('notFound.text')}</p>
        <div class="actions">
          <a class="button" href="/">
            {t('notFound.home')}
          </a>
        </div>
      </div>
    </>
  )
}
