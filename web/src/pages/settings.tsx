/** Language, theme, accounts on this device, and forgetting them. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import type { Language, Theme } from '../app/choices.ts'
import { forgetDevice } from '../app/forget.ts'
import { language, setLanguage, setTheme, theme } from '../app/prefs.ts'
import { go } from '../app/router.ts'
import { shortcuts } from '../app/shortcuts.ts'
import { knownPerson } from '../data/keep.ts'
import { leave, me, type Session, sessions, switchTo } from '../data/session.ts'
import { hostOf } from '../data/xrpc.ts'
import { Confirm } from '../parts/dialog.tsx'
import { Segments } from '../parts/form.tsx'
import { Icon } from '../parts/icon.tsx'
import { LabelSettings } from '../parts/label-settings.tsx'
import { Head } from '../parts/page.tsx'
import { Avatar, Handle } from '../parts/person.tsx'
import { rich, t } from '../words/index.ts'

export function Settings() {
  return (
    <>
      <Head title={t('nav.settings')} up="/" />
      <div class="body">
        <Setting title={t('settings.language')}>
          <Segments<Language>
            name="language"
            label={t('settings.language')}
            value={language.value}
            options={[
              // A language is called by its own name in every language.
              { value: 'ar', label: t('language.ar'), lang: 'ar' },
              { value: 'en', label: t('language.en'), lang: 'en' },
            ]}
            onChoose={setLanguage}
          />
        </Setting>
        <Setting title={t('settings.theme')}>
          <Segments<Theme>
            name="theme"
            label={t('settings.theme')}
            value={theme.value}
            options={[
              { value: 'auto', label: t('theme.auto') },
              { value: 'light', label: t('theme.light') },
              { value: 'dark', label: t('theme.dark') },
            ]}
            onChoose={setTheme}
          />
        </Setting>
        <Setting title={t('service.title')} text={t('service.lead')}>
          <a class="button ghost small" href="/settings/service">
            {t('service.choose')}
          </a>
        </Setting>
        {me.value && (
          <Setting title={t('settings.account')} text={t('settings.accountText')}>
            <a class="button ghost small" href={`${me.value.pds}/account`}>
              {t('settings.accountOpen')}
            </a>
          </Setting>
        )}
        {me.value && (
          <Setting title={t('quiet.title')} text={t('quiet.lead')}>
            <a class="button ghost small" href="/settings/quiet">
              {t('quiet.open')}
            </a>
          </Setting>
        )}
        {me.value && (
          <Setting title={t('standing.title')} text={t('standing.lead')}>
            <a class="button ghost small" href="/settings/standing">
              {t('standing.open')}
            </a>
          </Setting>
        )}
        {me.value && <LabelSettings />}
        <Accounts />
        <Keys />
        <Forget />
      </div>
    </>
  )
}

interface SettingProps {
  title: string
  text?: ComponentChildren
  children: ComponentChildren
}

function Setting({ title, text, children }: SettingProps) {
  return (
    <section class="setting">
      <div>
        <h2>{title}</h2>
        {text && <p>{text}</p>}
      </div>
      <div>{children}</div>
    </section>
  )
}

function Accounts() {
  const list = sessions.value
  if (list.length === 0) return null
  return (
    <section class="section">
      <h2>{t('settings.accounts')}</h2>
      <ul class="accounts">
        {list.map((session) => (
          <li key={session.did}>
            <Account session={session} />
          </li>
        ))}
      </ul>
      <div class="row wrap">
        <a class="button ghost small" href="/sign-in">
          {t('settings.addAccount')}
        </a>
        <button
          type="button"
          class="button ghost small"
          onClick={() => {
            leave()
            go('/')
          }}
        >
          {t('signOut')}
        </button>
      </div>
    </section>
  )
}

function Account({ session }: { session: Session }) {
  const active = me.value?.did === session.did
  const person = knownPerson(session.did)?.value ?? session
  return (
    <button
      type="button"
      class="account"
      aria-pressed={active}
      onClick={() => {
        switchTo(session.did)
        if (!active) go('/')
      }}
    >
      <Avatar person={person} size="small" />
      <span class="grow person-names">
        <Handle handle={session.handle} />
        <span class="small quiet">
          {rich('settings.at', { host: <bdi dir="ltr">{hostOf(session.pds)}</bdi> })}
        </span>
      </span>
      {active && <Icon name="check" />}
    </button>
  )
}

function Keys() {
  return (
    <section class="section keys-section">
      <h2>{t('settings.keys')}</h2>
      <dl class="keys">
        {shortcuts.map(({ key, words }) => (
          <div key={key}>
            <dt>{t(words)}</dt>
            <dd>
              <kbd dir="ltr">{key}</kbd>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function Forget() {
  const asking = useSignal(false)
  return (
    <>
      <Setting title={t('settings.forget')} text={t('settings.forgetText')}>
        <button
          type="button"
          class="button ghost small"
          onClick={() => {
            asking.value = true
          }}
        >
          {t('settings.forgetDo')}
        </button>
      </Setting>
      {asking.value && (
        <Confirm
          title={t('settings.forgetAsk')}
          text={t('settings.forgetText')}
          yes={t('settings.forgetDo')}
          onYes={() => void forgetDevice()}
          onClose={() => {
            asking.value = false
          }}
        />
      )}
    </>
  )
}
