/** Line icons, drawn for this client: 24 units, one stroke. */
const shapes = {
  home: 'M4 11l8-7 8 7v8.5a1 1 0 0 1-1 1h-5v-6h-4v6H5a1 1 0 0 1-1-1z',
  find: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.3 15.3L20 20',
  bell: 'M6 10a6 6 0 1 1 12 0c0 5 2 6.5 2 6.5H4S6 15 6 10M10 20a2.2 2.2 0 0 0 4 0',
  data: 'M4 6.5C4 8.4 7.6 10 12 10s8-1.6 8-3.5S16.4 3 12 3 4 4.6 4 6.5v11C4 19.4 7.6 21 12 21s8-1.6 8-3.5v-11M4 12c0 1.9 3.6 3.5 8 3.5s8-1.6 8-3.5',
  settings:
    'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4zM9 14.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4z',
  person: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.5 20.5c.6-3.8 3.7-6 7.5-6s6.9 2.2 7.5 6',
  write: 'M4 20l1-4.5L16 4.5a2.1 2.1 0 0 1 3 0l.5.5a2.1 2.1 0 0 1 0 3L8.5 19 4 20zM14 6.5l3.5 3.5',
  reply:
    'M12 4.5c-4.7 0-8.5 3.2-8.5 7.2 0 1.8.8 3.5 2.1 4.7L4.5 20l4.3-1.5c1 .3 2.1.5 3.2.5 4.7 0 8.5-3.3 8.5-7.3S16.7 4.5 12 4.5z',
  repost: 'M6.5 8h9.5a3 3 0 0 1 3 3v1.5M17.5 16H8a3 3 0 0 1-3-3v-1.5M14 5l3 3-3 3M10 19l-3-3 3-3',
  like: 'M12 20s-7.5-4.6-7.5-10.2A4.2 4.2 0 0 1 12 7.2a4.2 4.2 0 0 1 7.5 2.6C19.5 15.4 12 20 12 20z',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  back: 'M20 12H5M11 6l-6 6 6 6',
  next: 'M4 12h15M13 6l6 6-6 6',
  close: 'M6 6l12 12M18 6L6 18',
  picture:
    'M5 4.5h14a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1zM8.5 8a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3zM4.5 18l5-5 3 3 3-3.5 4.5 5',
  trash: 'M5 7h14M10 4h4M7 7l.8 12.5h8.4L17 7M10 11v5M14 11v5',
  link: 'M10 14a4 4 0 0 0 6 .4l2.5-2.5a4 4 0 0 0-5.7-5.7L11.5 7.5M14 10a4 4 0 0 0-6-.4l-2.5 2.5a4 4 0 0 0 5.7 5.7l1.3-1.3',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  key: 'M15 4a5 5 0 0 0-4.7 6.7L4 17v3h3.5v-2.5H10V15l2.3-2.3A5 5 0 1 0 15 4zM16 8h.01',
  drop: 'M12 3.5s6.5 6.3 6.5 10.5a6.5 6.5 0 0 1-13 0C5.5 9.8 12 3.5 12 3.5z',
  relay: 'M5 8h13M15 5l3 3-3 3M19 16H6M9 13l-3 3 3 3',
  view: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z',
  download: 'M12 4v11M7.5 11l4.5 4.5L16.5 11M4.5 19.5h15',
  move: 'M4 7h9M10 4l3 3-3 3M20 17h-9M14 14l-3 3 3 3M18 4v4M6 16v4',
  warn: 'M12 4.5l8.5 15h-17zM12 10v4.5M12 17h.01',
  info: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 11v5.5M12 7.8h.01',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z',
  feeds: 'M4 6.5c4 0 4 3 8 3s4-3 8-3M4 12c4 0 4 3 8 3s4-3 8-3M4 17.5c4 0 4 3 8 3s4-3 8-3',
  flag: 'M6 20.5V4.5c4-2 7.5 2 12 0v9c-4.5 2-8-2-12 0',
  shield: 'M12 3.5l7 2.5v5.5c0 4.3-2.9 7.4-7 9-4.1-1.6-7-4.7-7-9V6z',
  mute: 'M5 9.5v5h3l4.5 4V5.5L8 9.5zM16 10l4 4M20 10l-4 4',
  block: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM6 6l12 12',
  mention:
    'M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM15.5 12v1.6a2.4 2.4 0 0 0 4.8 0V12a8.3 8.3 0 1 0-3.3 6.6',
  quote: 'M5 17.5h4l2-4v-6H4.5v6H8zM14.5 17.5h4l2-4v-6H14v6h3.5z',
  leave: 'M14 4.5H6a1 1 0 0 0-1 1v13a1 1 0 0 0 1 1h8M10 12h10M16.5 8.5L20 12l-3.5 3.5',
} as const

export type IconName = keyof typeof shapes

const turning = new Set<IconName>(['back', 'next', 'leave', 'reply'])

function classOf(name: IconName): string {
  if (turning.has(name)) return 'icon turns'
  return name === 'more' ? 'icon dots' : 'icon'
}

/** An icon beside words, or alone inside a control that has its own label; never read aloud. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class={classOf(name)} viewBox="0 0 24 24" aria-hidden="true">
      <path d={shapes[name]} />
    </svg>
  )
}

/** The mark: three waters of one channel. */
export function Mark({ size = 30 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <path
        d="M5 9c6 0 6 5 11 5s5-5 11-5M5 16c6 0 6 5 11 5s5-5 11-5M5 23c6 0 6 4 11 4s5-4 11-4"
        fill="none"
        stroke="var(--water)"
        stroke-width="2.6"
        stroke-linecap="round"
      />
    </svg>
  )
}
