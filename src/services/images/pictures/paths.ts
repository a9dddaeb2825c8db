import { parseCid } from '#protocol/data'
import { type Did, isDid } from '#protocol/syntax'
import { PRESETS, type Preset } from './presets.ts'

export const FORMS = ['webp', 'jpeg', 'png'] as const
export type Form = (typeof FORMS)[number]

export interface PictureRequest {
  kind: 'picture'
  preset: Preset
  did: Did
  cid: string
  form: Form
}

export interface FilmRequest {
  kind: 'film'
  did: Did
  cid: string
}

const PICTURE = new RegExp(
  `^/img/(${Object.keys(PRESETS).join('|')})/plain/([^/]{1,800})/([a-z2-7]{1,100})(?:@(${FORMS.join('|')}))?$`,
)
/** Names of kept pictures hold the DID and have a bound of their own. */
const DID_LENGTH_MAX = 256
const FILM = /^\/video\/plain\/([^/]{1,800})\/([a-z2-7]{1,100})$/

/**
 * What a path asks for: `/img/PRESET/plain/DID/CID[@FORM]` or `/video/plain/DID/CID`. 'malformed' is a
 * path of that shape with a DID or a CID that is none; undefined is any other path.
 */
export function pictureRequest(
  path: string,
): PictureRequest | FilmRequest | 'malformed' | undefined {
  const picture = PICTURE.exec(path)
  if (picture !== null) {
    const [, preset, account, cid, form = 'webp'] = picture
    const did = didOf(account!)
    if (did === undefined || !isCid(cid!)) return 'malformed'
    return { kind: 'picture', preset: preset as Preset, did, cid: cid!, form: form as Form }
  }
  const film = FILM.exec(path)
  if (film === null) return undefined
  const did = didOf(film[1]!)
  return did !== undefined && isCid(film[2]!) ? { kind: 'film', did, cid: film[2]! } : 'malformed'
}

function didOf(segment: string): Did | undefined {
  try {
    const text = decodeURIComponent(segment)
    return isDid(text) && text.length <= DID_LENGTH_MAX ? text : undefined
  } catch {
    return undefined
  }
}

function isCid(text: string): boolean {
  try {
    parseCid(text)
    return true
  } catch {
    return false
  }
}
