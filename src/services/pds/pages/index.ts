/** Pages that the host itself serves: safe templates, one frame, forms that are their device's own. */
export type { PageFiles } from './assets.ts'
export { Cookies } from './cookies.ts'
export { Form } from './form.ts'
export { type Html, html, latin, type Part, webAddress } from './html.ts'
export { localPath } from './local-path.ts'
export {
  type Download,
  type FormVisit,
  type Page,
  type Redirect,
  type Reply,
  redirect,
  type View,
  type Visit,
} from './page.ts'
export { notFound, problemWords } from './problems.ts'
export { Pages } from './serve.ts'
export { common, DIRECTIONS, type Language, type Words } from './words.ts'
