/**
 * Builds the people's client into `web/dist`: hashed assets, fonts and index.html.
 *
 * `node web/build.ts` builds and prints sizes; `--if-stale` does nothing when the output is fresh.
 * A server imports `webBuildIsStale()` and `buildWeb()` to build when the output is missing.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type BuildOptions, build, type Metafile, type OutputFile, type Plugin } from 'esbuild'

const here = import.meta.dirname
const root = resolve(here, '..')
/** Where the built client lies. */
export const webDist: string = join(here, 'dist')
const stampFile = join(webDist, 'build.json')

/** What a build made, in bytes; `firstLoad` is what the first page needs, without fonts. */
export interface WebBuild {
  files: number
  scriptBytes: number
  firstLoadBytes: number
  lazyBytes: number
  styleBytes: number
  fontBytes: number
  tookMs: number
}

interface Stamp extends WebBuild {
  inputs: string[]
  builtAtMs: number
}

/** `falaj/protocol/<room>` is the room's door, in its browser form (`#…` inside follows the root's map). */
const protocolDoors: Plugin = {
  name: 'protocol-doors',
  setup(setup) {
    setup.onResolve({ filter: /^falaj\/protocol\/[a-z]+$/ }, ({ path }) => ({
      path: join(root, 'src/protocol', path.slice('falaj/protocol/'.length), 'index.ts'),
    }))
  },
}

const shared = {
  absWorkingDir: root,
  bundle: true,
  write: false as const,
  minify: true,
  legalComments: 'none' as const,
  platform: 'browser' as const,
  target: ['es2023', 'chrome115', 'firefox115', 'safari16.4'],
  jsx: 'automatic' as const,
  jsxImportSource: 'preact',
  outdir: webDist,
  metafile: true as const,
  logLevel: 'silent' as const,
  loader: { '.woff2': 'file' as const, '.svg': 'copy' as const },
  entryNames: 'assets/[name]-[hash]',
  chunkNames: 'assets/[name]-[hash]',
  assetNames: 'assets/[name]-[hash]',
  plugins: [protocolDoors],
  tsconfigRaw: {},
} satisfies BuildOptions

/** Pages of a host that have a script. */
const hostPages = ['recovery-key', 'identity-alarms']

/** Builds everything; throws with readable messages when the source does not compile. */
export async function buildWeb(): Promise<WebBuild> {
  const started = performance.now()
  const [app, boot, operators, hosted] = await Promise.all([
    build({
      ...shared,
      entryPoints: [join(here, 'src/main.tsx')],
      format: 'esm',
      splitting: true,
    }),
    // The boot script is classic: it runs before the first paint and sets language and theme.
    build({
      ...shared,
      entryPoints: [join(here, 'src/boot.ts'), join(here, 'src/design/icon.svg')],
      format: 'iife',
    }),
    // The operators' console shares nothing, so that it can add nothing to what people load.
    build({
      ...shared,
      entryPoints: { console: join(here, 'src/console/main.tsx') },
      format: 'esm',
    }),
    // Scripts of pages that a host serves itself: it reads them from here, and names them by content.
    build({
      ...shared,
      entryPoints: hostPages.map((name) => join(here, `src/host-pages/${name}.ts`)),
      entryNames: 'host-pages/[name]',
      format: 'esm',
    }),
  ])
  const files = [...app.outputFiles, ...boot.outputFiles]
  const meta = { ...app.metafile.outputs, ...boot.metafile.outputs }
  const first = firstLoad(meta)
  const pages = {
    'index.html': await indexPage(files, first),
    'console.html': await consolePage([...files, ...operators.outputFiles]),
  }
  const built = [app, boot, operators, hosted]
  const inputs = built.flatMap(({ metafile }) => Object.keys(metafile.inputs))
  const result = measure(files, first, performance.now() - started)
  const stamp: Stamp = { ...result, inputs: [...new Set(inputs)].sort(), builtAtMs: Date.now() }
  const beside = [...operators.outputFiles, ...hosted.outputFiles]
  await put([...files, ...beside], pages, stamp)
  return result
}

type Outputs = Metafile['outputs']

/** The entry points and all they import statically, as output paths relative to the root. */
function firstLoad(outputs: Outputs): Set<string> {
  const found = new Set<string>()
  const follow = (name: string) => {
    if (found.has(name)) return
    found.add(name)
    for (const { path, kind } of outputs[name]?.imports ?? []) {
      if (kind === 'import-statement') follow(path)
    }
    const css = outputs[name]?.cssBundle
    if (css) found.add(css)
  }
  for (const [name, { entryPoint }] of Object.entries(outputs)) {
    if (entryPoint === 'web/src/main.tsx' || entryPoint === 'web/src/boot.ts') follow(name)
  }
  return found
}

/** Where the one output is that the pattern fits. */
function naming(files: readonly OutputFile[]): (pattern: RegExp) => string {
  return (pattern) => {
    const file = files.find(({ path }) => pattern.test(path))
    if (!file) throw new Error(`the build made no ${pattern}`)
    return `/${relative(webDist, file.path)}`
  }
}

async function consolePage(files: readonly OutputFile[]): Promise<string> {
  const named = naming(files)
  const template = await readFile(join(here, 'src/console/console.html'), 'utf8')
  return template
    .replaceAll('%icon%', named(/icon-[^/]+\.svg$/))
    .replaceAll('%boot%', named(/boot-[^/]+\.js$/))
    .replaceAll('%style%', named(/console-[^/]+\.css$/))
    .replaceAll('%main%', named(/console-[^/]+\.js$/))
}

async function indexPage(files: readonly OutputFile[], first: ReadonlySet<string>) {
  const named = naming(files)
  const main = named(/main-[^/]+\.js$/)
  const chunks = [...first]
    .map((name) => `/${relative('web/dist', name)}`)
    .filter((name) => name.endsWith('.js') && name !== main && !name.includes('/boot-'))
  const preloads = chunks.map((name) => `<link rel="modulepreload" href="${name}">`).join('\n')
  const template = await readFile(join(here, 'src/index.html'), 'utf8')
  return template
    .replaceAll('%icon%', named(/icon-[^/]+\.svg$/))
    .replaceAll('%style%', named(/main-[^/]+\.css$/))
    .replaceAll('%boot%', named(/boot-[^/]+\.js$/))
    .replaceAll('%main%', main)
    .replaceAll('%arabic%', named(/readex-pro-arabic-wght-normal-[^/]+\.woff2$/))
    .replaceAll('%latin%', named(/readex-pro-latin-wght-normal-[^/]+\.woff2$/))
    .replaceAll('%preloads%', preloads)
}

function measure(files: readonly OutputFile[], first: ReadonlySet<string>, tookMs: number) {
  const sum = (select: (path: string) => boolean, size: (file: OutputFile) => number) =>
    files.filter(({ path }) => select(path)).reduce((total, file) => total + size(file), 0)
  const zipped = (file: OutputFile) => gzipSync(file.contents, { level: 9 }).byteLength
  const isFirst = (path: string) => first.has(relative(root, path))
  const isScript = (path: string) => path.endsWith('.js')
  return {
    files: files.length,
    scriptBytes: sum(isScript, zipped),
    firstLoadBytes: sum((path) => isScript(path) && isFirst(path), zipped),
    lazyBytes: sum((path) => isScript(path) && !isFirst(path), zipped),
    styleBytes: sum((path) => path.endsWith('.css'), zipped),
    fontBytes: sum(
      (path) => path.endsWith('.woff2'),
      (file) => file.contents.byteLength,
    ),
    tookMs: Math.round(tookMs),
  }
}

/** Assets first, the pages that name them last: whoever serves the folder never sees a half build. */
async function put(
  files: readonly OutputFile[],
  pages: Readonly<Record<string, string>>,
  stamp: Stamp,
): Promise<void> {
  const keep = new Set(files.map(({ path }) => path))
  for (const { path, contents } of files) {
    // What is named by its content is there already, or is not.
    if (path.startsWith(join(webDist, 'assets')) && existsSync(path)) continue
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, contents)
  }
  for (const [name, page] of Object.entries(pages)) await replace(join(webDist, name), page)
  await replace(stampFile, `${JSON.stringify(stamp, null, 1)}\n`)
  const assets = join(webDist, 'assets')
  for (const name of await readdir(assets)) {
    const path = join(assets, name)
    if (!keep.has(path)) await rm(path, { force: true })
  }
}

async function replace(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}`
  await writeFile(temporary, text)
  await rename(temporary, path)
}

/** Whether `web/dist` is missing, or older than any source that went into it. Reads only file times. */
export function webBuildIsStale(): boolean {
  const scripts = hostPages.map((name) => `host-pages/${name}.js`)
  const whole = ['build.json', 'console.html', ...scripts]
  if (!whole.every((name) => existsSync(join(webDist, name)))) return true
  const { mtimeMs: builtAtMs } = statSync(stampFile)
  const newer = (path: string) => statSync(path).mtimeMs > builtAtMs
  const sources = readdirSync(join(here, 'src'), { recursive: true, withFileTypes: true })
  if (newer(join(here, 'build.ts'))) return true
  if (sources.some((entry) => entry.isFile() && newer(join(entry.parentPath, entry.name)))) {
    return true
  }
  return rooms().some((path) => existsSync(path) && newer(path))
}

/** The protocol floor's files that the last build used. */
function rooms(): string[] {
  try {
    const { inputs } = JSON.parse(readFileSync(stampFile, 'utf8')) as Stamp
    return inputs.filter((path) => path.startsWith('src/')).map((path) => join(root, path))
  } catch {
    return []
  }
}

const kB = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`

if (import.meta.main) {
  if (process.argv.includes('--if-stale') && !webBuildIsStale()) process.exit(0)
  try {
    const made = await buildWeb()
    console.log(
      `web: first load ${kB(made.firstLoadBytes)} script + ${kB(made.styleBytes)} style (gzip), ` +
        `${kB(made.lazyBytes)} script on demand, ${kB(made.fontBytes)} fonts, ${made.tookMs} ms`,
    )
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  }
}
