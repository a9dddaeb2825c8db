import { useSignal } from '@preact/signals'
import { useId } from 'preact/hooks'
import { Icon } from '../parts/icon.tsx'
import { w } from './words/index.ts'

/** A field that searches when it is sent, or emptied. */
export function Search({ label, onSearch }: { label: string; onSearch: (text: string) => void }) {
  const id = useId()
  const text = useSignal('')
  return (
    <form
      class="search-tool"
      onSubmit={(event) => {
        event.preventDefault()
        onSearch(text.peek().trim())
      }}
    >
      <label class="sr" for={id}>
        {label}
      </label>
      <div class="input-row find">
        <Icon name="find" />
        <input
          id={id}
          class="input"
          type="search"
          dir="auto"
          placeholder={label}
          autocapitalize="none"
          spellcheck={false}
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value
            if (text.value === '') onSearch('')
          }}
        />
      </div>
      <button type="submit" class="button ghost small">
        {w('accounts.find')}
      </button>
    </form>
  )
}
