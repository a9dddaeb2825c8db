/** One source, many fields: the picture on the door. Drawn left to right; mirrored for Arabic. */
export function Hero() {
  const water = {
    fill: 'none',
    stroke: 'var(--water)',
    'stroke-width': 5,
    'stroke-linecap': 'round',
    opacity: 0.88,
  } as const
  const bank = {
    fill: 'none',
    stroke: 'var(--sand)',
    'stroke-width': 13,
    'stroke-linecap': 'round',
  } as const
  return (
    <svg class="hero" viewBox="0 0 560 276" aria-hidden="true">
      <path
        d="M0 96C70 60 118 52 176 84s84 34 132 8 96-58 154-34 74 44 98 38"
        fill="none"
        stroke="var(--line)"
        stroke-width="1.5"
      />
      <path
        d="M0 120c60-24 120-26 180-4s110 14 160-8 130-34 220 4"
        fill="none"
        stroke="var(--line)"
        stroke-width="1.5"
      />
      {channels.map((d) => (
        <path key={d} d={d} {...bank} />
      ))}
      {fields.map(([x, y, tone]) => (
        <Field key={x} x={x} y={y} tone={tone} />
      ))}
      {channels.map((d) => (
        <path key={d} d={d} {...water} />
      ))}
      {gates.map(([x, y]) => (
        <circle
          key={x}
          cx={x}
          cy={y}
          r="8"
          fill="var(--surface)"
          stroke="var(--water)"
          stroke-width="3"
        />
      ))}
      <circle cx="62" cy="70" r="26" fill="var(--surface)" stroke="var(--sand)" stroke-width="6" />
      <circle cx="62" cy="70" r="19" fill="var(--water)" opacity="0.88" />
      <path
        d="M50 67c4-3 8-3 12 0s8 3 12 0M52 75c3-2 7-2 10 0s7 2 10 0"
        fill="none"
        stroke="var(--water-2)"
        stroke-width="2"
        stroke-linecap="round"
      />
    </svg>
  )
}

const channels = [
  'M84 82C120 102 128 118 172 122S262 112 300 124s74 22 120 14 90-18 150 6',
  'M172 122c-6 22-34 30-40 62',
  'M300 124c2 24-14 34-16 60',
  'M420 138c8 18 14 28 14 46',
]

const gates = [
  [172, 122],
  [300, 124],
  [420, 138],
] as const

const fields = [
  [78, 184, 'leaf'],
  [228, 184, 'date'],
  [378, 184, 'water'],
] as const

function Field({ x, y, tone }: { x: number; y: number; tone: 'leaf' | 'date' | 'water' }) {
  const furrows = [14, 27, 40, 53]
  return (
    <g>
      <rect
        x={x}
        y={y}
        width="110"
        height="80"
        rx="12"
        fill={`var(--${tone}-2)`}
        stroke="var(--line)"
        stroke-width="1.5"
      />
      {furrows.map((down) => (
        <path
          key={down}
          d={`M${x + 14} ${y + down + 2}c14-6 27-6 41 0s27 6 41 0`}
          fill="none"
          stroke={`var(--${tone})`}
          stroke-width="2"
          stroke-linecap="round"
          opacity="0.42"
        />
      ))}
    </g>
  )
}
