/** Fields of forms: a label, a control, and one line of help or trouble tied to it. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { t } from '../words/index.ts'
import { Icon } from './icon.tsx'

export interface FieldProps {
  label: string
  value: string
  onInput: (value: string) => void
  hint?: ComponentChildren
  tone?: 'good' | 'bad'
  optional?: boolean
  type?: 'text' | 'email' | 'password'
  /** Latin text only (names, addresses, codes): written left-to-right in any language. */
  latin?: boolean
  autocomplete?: string
  autofocus?: boolean
  suffix?: string
  required?: boolean
  placeholder?: string
  onBlur?: () => void
}

export function Field(props: FieldProps) {
  const id = useId()
  const visible = useSignal(false)
  const { label, hint, tone, optional, type = 'text', suffix, latin } = props
  const secret = type === 'password'
  const control = (
    <input
      id={id}
      class="input"
      type={(secret && visible.value ? 'text' : type) as 'text'}
      value={props.value}
      dir={latin || secret || type === 'email' ? 'ltr' : 'auto'}
      autocomplete={props.autocomplete as 'on'}
      autocapitalize={latin ? 'none' : undefined}
      autocorrect={latin ? 'off' : undefined}
      spellcheck={latin ? false : undefined}
      placeholder={props.placeholder}
      required={props.required}
      autofocus={props.autofocus}
      aria-invalid={tone === 'bad'}
      aria-describedby={hint ? `${id}-hint` : undefined}
      onInput={(event) => props.onInput(event.currentTarget.value)}
      onBlur={props.onBlur}
    />
  )
  return (
    <div class="field">
      <label for={id}>
        {/* The space keeps the last letter of an Arabic label from joining the next word. */}
        {label} {optional && <span class="optional">{t('optional')}</span>}
      </label>
      {suffix || secret ? (
        <div class="input-row" dir="ltr">
          {control}
          {suffix && <span class="suffix">{suffix}</span>}
          {secret && (
            <button
              type="button"
              class="round-button"
              aria-label={t(visible.value ? 'password.hide' : 'password.show')}
              aria-pressed={visible.value}
              onClick={() => {
                visible.value = !visible.value
              }}
            >
              <Icon name="eye" />
            </button>
          )}
        </div>
      ) : (
        control
      )}
      {hint && (
        <p
          class="hint"
          id={`${id}-hint`}
          data-tone={tone}
          role={tone === 'bad' ? 'alert' : undefined}
        >
          {hint}
        </p>
      )}
    </div>
  )
}

interface ChoiceProps<T extends string> {
  name: string
  legend: string
  value: T
  options: readonly {
    value: T
    label: ComponentChildren
    note?: ComponentChildren
    off?: boolean
  }[]
  onChoose: (value: T) => void
}

/** One of several, each with room for a line about it. */
export function Choices<T extends string>({
  name,
  legend,
  value,
  options,
  onChoose,
}: ChoiceProps<T>) {
  return (
    <fieldset class="choices">
      <legend>{legend}</legend>
      {options.map((option) => (
        <label class="choice" key={option.value}>
          <input
            type="radio"
            name={name}
            checked={option.value === value}
            disabled={option.off}
            onChange={() => onChoose(option.value)}
          />
          <span>
            <span>{option.label}</span>
            {option.note && <span class="small quiet">{option.note}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  )
}

interface SegmentsProps<T extends string> {
  name: string
  label: string
  value: T
  options: readonly { value: T; label: string; lang?: string }[]
  onChoose: (value: T) => void
}

/** One of a few short ones, side by side. */
export function Segments<T extends string>({
  name,
  label,
  value,
  options,
  onChoose,
}: SegmentsProps<T>) {
  return (
    <fieldset class="segments" aria-label={label}>
      {options.map((option) => (
        <label key={option.value} lang={option.lang}>
          <input
            type="radio"
            name={name}
            checked={option.value === value}
            onChange={() => onChoose(option.value)}
          />
          {option.label}
        </label>
      ))}
    </fieldset>
  )
}
