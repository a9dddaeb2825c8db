/** A dialog on the native element: focus stays inside, Escape closes, the page behind is inert. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { t } from '../words/index.ts'
import { Icon } from './icon.tsx'

interface DialogProps {
  title: string
  onClose: () => void
  children: ComponentChildren
  /** Fills a phone's screen. */
  tall?: boolean
  class?: string
}

export function Dialog({ title, onClose, children, tall, class: more }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null)
  // Before anything inside takes the focus.
  const before = useRef(document.activeElement)
  useEffect(() => {
    const dialog = element.current
    if (!dialog || dialog.open) return
    dialog.showModal()
    return () => {
      dialog.close()
      // Where the person was: the dialog is gone from the page before it could say so itself.
      requestAnimationFrame(() => {
        const here = document.activeElement
        if (here !== null && here !== document.body) return
        if (before.current instanceof HTMLElement && before.current.isConnected) {
          before.current.focus({ preventScroll: true })
        }
      })
    }
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it; the click is on the backdrop
    <dialog
      ref={element}
      class={[tall ? 'tall' : '', more ?? ''].join(' ').trim()}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => {
        if (event.target === element.current) onClose()
      }}
    >
      {children}
    </dialog>
  )
}

export function DialogHead({ title, onClose }: { title: string; onClose: () => void }) {
  return (
    <div class="dialog-head">
      <h2>{title}</h2>
      <button type="button" class="round-button" aria-label={t('close')} onClick={onClose}>
        <Icon name="close" />
      </button>
    </div>
  )
}

interface ConfirmProps {
  title: string
  text: string
  yes: string
  onYes: () => void
  onClose: () => void
}

/** Asks before something that cannot be taken back. */
export function Confirm({ title, text, yes, onYes, onClose }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose} class="confirm">
      <DialogHead title={title} onClose={onClose} />
      <div class="dialog-body form">
        <p class="soft">{text}</p>
        <div class="row end-row">
          <button type="button" class="button ghost" onClick={onClose}>
            {t('cancel')}
          </button>
          <button
            type="button"
            class="button danger"
            onClick={() => {
              onYes()
              onClose()
            }}
          >
            {yes}
          </button>
        </div>
      </div>
    </Dialog>
  )
}
