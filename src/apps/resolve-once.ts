/**
 * Finds modules with less asking. Node looks for the package of every importing file, and through its
 * exports, anew for each of the thousand imports of a start: half of the time a start takes. What it
 * answered holds for the other files of the same folder or package too:
 * - a relative import with its extension is the file of that name, and has the format of the files
 *   of that kind in its folder;
 * - a package or a `#` name means the same to all files of one package.
 * The first of each is asked of Node; nothing is kept beyond the process. Symbolic links inside of
 * packages are asked for each time.
 */
import { type ResolveFnOutput, registerHooks } from 'node:module'

const EXTENSION = /\.[cm]?[jt]s$/
const MODULES = '/node_modules/'

const formats = new Map<string, string>()
const names = new Map<string, ResolveFnOutput>()

registerHooks({
  resolve(specifier, context, next) {
    const { parentURL: parent, conditions } = context
    if (parent === undefined || !conditions.includes('import') || specifier.startsWith('node:'))
      return next(specifier, context)
    if (specifier.startsWith('.')) {
      const extension = EXTENSION.exec(specifier)?.[0]
      if (extension === undefined) return next(specifier, context)
      const { href: url } = new URL(specifier, parent)
      const kind = url.slice(0, url.lastIndexOf('/') + 1) + extension
      const format = formats.get(kind)
      if (format !== undefined) return { url, format, shortCircuit: true }
      const found = next(specifier, context)
      if (found.url === url && found.format) formats.set(kind, found.format)
      return found
    }
    const name = `${specifier} ${packageOf(parent)}`
    const known = names.get(name)
    if (known !== undefined) return known
    const found = { ...next(specifier, context), shortCircuit: true }
    names.set(name, found)
    return found
  },
})

/** The part of a URL up to the package's own folder; the same for all files of ours. */
function packageOf(url: string): string {
  const at = url.lastIndexOf(MODULES)
  if (at < 0) return ''
  const start = at + MODULES.length
  const end = url.indexOf('/', start)
  return url.slice(0, url[start] === '@' ? url.indexOf('/', end + 1) : end)
}
