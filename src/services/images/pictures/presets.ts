/** How large a picture may be for each use. `cover` fills the box and cuts what sticks out, `inside` cuts nothing. */
export interface Box {
  width: number
  height: number
  fit: 'cover' | 'inside'
}

/** The names are those of the network's content delivery, so that clients can put one for another in a URL. */
export const PRESETS = {
  avatar: { width: 1000, height: 1000, fit: 'cover' },
  avatar_thumbnail: { width: 128, height: 128, fit: 'cover' },
  banner: { width: 3000, height: 1000, fit: 'cover' },
  feed_thumbnail: { width: 1000, height: 1000, fit: 'inside' },
  feed_fullsize: { width: 2000, height: 2000, fit: 'inside' },
} as const satisfies Record<string, Box>

export type Preset = keyof typeof PRESETS
