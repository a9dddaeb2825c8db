/** The frame of every page. */
import { type Html, html, latin } from './html.ts'
import type { View, Visit } from './page.ts'
import { common, DIRECTIONS, LANGUAGE_NAMES, type Language } from './words.ts'

interface Frame {
  /** Name of the host, as people know it. */
  host: string
  style: string | undefined
  icon: string | undefined
  scripts: readonly string[]
}

/** A whole document around a view. */
export function layout(
  view: View,
  visit: Pick<Visit, 'language' | 'path' | 'query'>,
  frame: Frame,
) {
  const { language } = visit
  const words = common[language]
  const isWide = view.menu !== undefined
  return html`<!doctype html>
<html lang="${language}" dir="${DIRECTIONS[language]}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${view.title} · ${frame.host}</title>
${frame.style && html`<link rel="stylesheet" href="${frame.style}">`}
${frame.icon && html`<link rel="icon" href="${frame.icon}" type="image/svg+xml">`}
${view.refreshSeconds !== undefined && html`<noscript><meta http-equiv="refresh" content="${view.refreshSeconds}"></noscript>`}
${frame.scripts.map((path) => html`<script type="module" src="${path}"></script>`)}
</head>
<body>
<a class="skip" href="#main">${words.skip}</a>
<header class="top">
<div class="wordmark">${waves}<span><strong>${words.brand}</strong> <span class="host">${latin(frame.host)}</span></span></div>
${languageSwitch(visit)}
</header>
<div class="columns${isWide && ' wide'}">
${view.menu}
<main id="main" tabindex="-1">
${view.body}
</main>
</div>
</body>
</html>
`
}

const waves = html`<svg class="waves" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8"/><path d="M5 9c6 0 6 5 11 5s5-5 11-5M5 16c6 0 6 5 11 5s5-5 11-5M5 23c6 0 6 4 11 4s5-4 11-4"/></svg>`

function languageSwitch({
  language,
  path,
  query,
}: Pick<Visit, 'language' | 'path' | 'query'>): Html {
  const other: Language = language === 'ar' ? 'en' : 'ar'
  const params = new URLSearchParams(query)
  params.set('lang', other)
  return html`<a class="language" href="${path}?${params.toString()}" lang="${other}" dir="${DIRECTIONS[other]}" rel="nofollow">${LANGUAGE_NAMES[other]}</a>`
}
