/** What a visitor sees first. */

import { Hero } from '../parts/hero.tsx'
import { Icon } from '../parts/icon.tsx'
import { t } from '../words/index.ts'

export function Welcome() {
  return (
    <div class="welcome">
      <div class="welcome-hero">
        <Hero />
      </div>
      <div class="welcome-text">
        <h1>{t('welcome.title')}</h1>
        <p class="lead">{t('welcome.lead')}</p>
        <div class="buttons">
          <a class="button" href="/sign-up">
            {t('signUp')}
          </a>
          <a class="button ghost" href="/sign-in">
            {t('signIn')}
          </a>
        </div>
      </div>
      <div class="shares">
        <section>
          <Icon name="key" />
          <h2>{t('welcome.name')}</h2>
          <p>{t('welcome.nameText')}</p>
        </section>
        <section>
          <Icon name="drop" />
          <h2>{t('welcome.place')}</h2>
          <p>{t('welcome.placeText')}</p>
        </section>
        <section>
          <Icon name="move" />
          <h2>{t('welcome.leave')}</h2>
          <p>{t('welcome.leaveText')}</p>
        </section>
      </div>
    </div>
  )
}
