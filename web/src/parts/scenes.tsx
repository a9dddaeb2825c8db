/** Small drawings for quiet pages: a field that waits, a dry channel, a source nobody found. */

const strokes = {
  fill: 'none',
  'stroke-width': 2.4,
  'stroke-linecap': 'round',
  'stroke-linejoin': 'round',
} as const

/** Furrows with a first shoot: nothing has grown here yet. */
export function FieldScene() {
  return (
    <svg class="scene" viewBox="0 0 132 84" aria-hidden="true">
      <g {...strokes} stroke="var(--sand)">
        <path d="M6 64c20-10 40-10 60 0s40 10 60 0" />
        <path d="M14 52c18-8 34-8 52 0s34 8 52 0" />
      </g>
      <path {...strokes} stroke="var(--water)" d="M2 75c21-9 43-9 64 0s43 9 64 0" />
      <g {...strokes} stroke="var(--leaf)">
        <path d="M66 50V28" />
        <path d="M66 38c-9 0-14-5-15-13 9 0 14 5 15 13z" />
        <path d="M66 32c1-9 6-14 15-15 0 9-6 14-15 15z" />
      </g>
    </svg>
  )
}

/** The water stops before it arrives. */
export function DryScene() {
  return (
    <svg class="scene" viewBox="0 0 132 84" aria-hidden="true">
      <path {...strokes} stroke="var(--water)" d="M4 44c12-12 24-12 36 0 5 5 9 7 14 7" />
      <path
        {...strokes}
        stroke="var(--sand)"
        stroke-dasharray="1 9"
        d="M64 50c10-3 16-18 30-18 12 0 18 10 34 12"
      />
      <circle cx="56" cy="51" r="5" fill="var(--water)" />
      <path {...strokes} stroke="var(--sand)" d="M24 70h84" />
      <path {...strokes} stroke="var(--date)" d="M60 34l5-9M70 38l10-5" />
    </svg>
  )
}

/** A well with nothing in it: no such person, no such post. */
export function SourceScene() {
  return (
    <svg class="scene" viewBox="0 0 132 84" aria-hidden="true">
      <ellipse {...strokes} stroke="var(--sand)" cx="66" cy="48" rx="40" ry="15" />
      <ellipse
        {...strokes}
        stroke="var(--water-3)"
        stroke-dasharray="2 8"
        cx="66"
        cy="51"
        rx="26"
        ry="8"
      />
      <path {...strokes} stroke="var(--sand)" d="M26 48v14c0 8 18 15 40 15s40-7 40-15V48" />
      <path {...strokes} stroke="var(--date)" d="M60 22a6 6 0 1 1 8 6c-2 1-2 2-2 4M66 38h.01" />
    </svg>
  )
}
