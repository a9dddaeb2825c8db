/** Pictures at full size, with their description, one after another. */
import { signal } from '@preact/signals'
import type { ImageView } from '../data/views.ts'
import { t } from '../words/index.ts'
import { Dialog } from './dialog.tsx'
import { Icon } from './icon.tsx'

const shown = signal<{ images: readonly ImageView[]; index: number } | undefined>(undefined)

export function viewPictures(images: readonly ImageView[], index: number): void {
  shown.value = { images, index }
}

export function PictureViewer() {
  const current = shown.value
  if (!current) return null
  const { images, index } = current
  const image = images[index]
  if (!image) return null
  const close = () => {
    shown.value = undefined
  }
  const step = (by: number) => {
    const next = index + by
    if (images[next]) shown.value = { images, index: next }
  }
  const along = document.documentElement.dir === 'rtl' ? -1 : 1
  return (
    <Dialog title={image.alt || t('image.one')} onClose={close} class="viewer">
      <figure
        onKeyDown={(event) => {
          if (event.key === 'ArrowRight') step(along)
          if (event.key === 'ArrowLeft') step(-along)
        }}
      >
        <img
          key={image.fullsize}
          src={image.fullsize}
          alt={image.alt}
          width={image.aspectRatio?.width ?? 1200}
          height={image.aspectRatio?.height ?? 800}
        />
        {image.alt !== '' && <figcaption dir="auto">{image.alt}</figcaption>}
        <div class="viewer-bar">
          {images.length > 1 && (
            <button
              type="button"
              class="round-button"
              aria-label={t('image.previous')}
              disabled={index === 0}
              onClick={() => step(-1)}
            >
              <Icon name="back" />
            </button>
          )}
          <button type="button" class="round-button" aria-label={t('close')} onClick={close}>
            <Icon name="close" />
          </button>
          {images.length > 1 && (
            <button
              type="button"
              class="round-button"
              aria-label={t('image.next')}
              disabled={index === images.length - 1}
              onClick={() => step(1)}
            >
              <Icon name="next" />
            </button>
          )}
        </div>
      </figure>
    </Dialog>
  )
}
