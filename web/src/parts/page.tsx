/** The head of a page: where one is, and the way back. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { back, place } from '../app/router.ts'
import { t } from '../words/index.ts'
import { Icon, Mark } from './icon.tsx'

interface HeadProps {
  title: string
  /** Where the back button leads when there is no page of ours behind. */
  up?: string
  /** A second, quieter line. */
  note?: ComponentChildren
  children?: ComponentChildren
}

/** The page's heading: names the document and takes the focus when the page was gone to. */
export function Head({ title, up, note, children }: HeadProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · ${t('brand')}`
  }, [title])
  useEffect(() => {
    // The first page leaves the focus where the browser put it.
    if (place.peek().visit > 0) heading.current?.focus({ preventScroll: true })
  }, [])
  return (
    <header class="head">
      {up === undefined ? (
        <span class="head-brand">
          <Mark size={26} />
        </span>
      ) : (
        <button type="button" class="round-button" aria-label={t('back')} onClick={() => back(up)}>
          <Icon name="back" />
        </button>
      )}
      <div class="head-title">
        <h1 ref={heading} tabIndex={-1} class="cut">
          <bdi>{title}</bdi>
        </h1>
        {note && <div class="small quiet cut">{note}</div>}
      </div>
      {children}
    </header>
  )
}
