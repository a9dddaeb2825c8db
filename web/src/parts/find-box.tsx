/** Goes to a person by their name. */
import { useSignal } from '@preact/signals'
import { isDid, isHandle } from 'falaj/protocol/syntax'
import { useId } from 'preact/hooks'
import { go } from '../app/router.ts'
import { cleanName } from '../data/identity.ts'
import { t } from '../words/index.ts'
import { Icon } from './icon.tsx'

/** Goes to somebody whose handle is known, whichever host they are at. */
export function FindBox() {
  const id = useId()
  const text = useSignal('')
  const wrong = useSignal(false)
  return (
    <search>
      <form
        class="field"
        onSubmit={(event) => {
          event.preventDefault()
          const name = cleanName(text.value)
          wrong.value = !isDid(name) && !isHandle(name)
          if (!wrong.value) go(`/profile/${name}`)
        }}
      >
        <label class="sr" for={id}>
          {t('people.byHandle')}
        </label>
        <div class="input-row find">
          <Icon name="find" />
          <input
            id={id}
            class="input"
            type="search"
            dir="auto"
            value={text.value}
            placeholder={t('people.byHandle')}
            autocapitalize="none"
            spellcheck={false}
            aria-invalid={wrong.value}
            aria-describedby={wrong.value ? `${id}-wrong` : undefined}
            onInput={(event) => {
              text.value = event.currentTarget.value
              wrong.value = false
            }}
          />
        </div>
        {wrong.value && (
          <p class="hint" id={`${id}-wrong`} data-tone="bad" role="alert">
            {t('people.notAHandle')}
          </p>
        )}
      </form>
    </search>
  )
}
