/** A small menu under a button: arrows move, Escape and a click elsewhere close. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { Icon, type IconName } from './icon.tsx'

export interface MenuItem {
  icon: IconName
  label: string
  danger?: boolean
  run: () => void
}

interface MenuProps {
  label: string
  items: readonly MenuItem[]
  class?: string
  children?: ComponentChildren
}

export function Menu({ label, items, class: more = '', children }: MenuProps) {
  const open = useSignal(false)
  const root = useRef<HTMLDivElement>(null)
  const close = () => {
    open.value = false
  }
  // Before it is drawn, not after: the next key may come at once.
  useLayoutEffect(() => {
    if (!open.value) return
    root.current?.querySelector<HTMLButtonElement>('.menu-list button')?.focus()
    const outside = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) close()
    }
    document.addEventListener('pointerdown', outside)
    return () => document.removeEventListener('pointerdown', outside)
  }, [open.value])
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys bubble here from the buttons inside
    <div class={`menu ${more}`} ref={root} onKeyDown={(event) => keys(event, root.current, close)}>
      <button
        type="button"
        class="round-button"
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={open.value}
        onClick={() => {
          open.value = !open.value
        }}
      >
        {children ?? <Icon name="more" />}
      </button>
      {open.value && (
        <div class="menu-list" role="menu" aria-label={label}>
          {items.map(({ icon, label: text, danger, run }) => (
            <button
              type="button"
              role="menuitem"
              tabIndex={-1}
              key={text}
              class={danger ? 'danger' : ''}
              onClick={() => {
                // What opens next gives the focus back to where it was.
                root.current?.querySelector('button')?.focus()
                close()
                run()
              }}
            >
              <Icon name={icon} />
              {text}
            </button>
          ))}
        </div>
      )}
    </div>
  )
}

function keys(event: KeyboardEvent, root: HTMLDivElement | null, close: () => void): void {
  const items = [...(root?.querySelectorAll<HTMLButtonElement>('[role=menuitem]') ?? [])]
  if (items.length === 0) return
  if (event.key === 'Escape') {
    event.stopPropagation()
    close()
    root?.querySelector('button')?.focus()
    return
  }
  // Going on with Tab leaves the menu, from the button it belongs to.
  if (event.key === 'Tab') {
    root?.querySelector('button')?.focus()
    close()
    return
  }
  const at = items.indexOf(document.activeElement as HTMLButtonElement)
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key]
  if (to === undefined) return
  event.preventDefault()
  items.at(to % items.length)?.focus()
}
