/** The vault's page: how it is, and whether it can do what it is for. Names nobody. */
import type { Sql } from '#platform/storage'
import type { HttpRequest, HttpResponse } from '#protocol/xrpc'
import type { Drill, Drills } from '../drills/index.ts'
import { type Language, words } from './words.ts'

const DRILLS = 12

const STYLE = `
:root { --paper: #fbfaf7; --ink: #14252b; --dim: #55676d; --line: #dfdcd3; --water: #0b7285; --good: #2b6a3f; --rose: #a82040; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --paper: #0e1a1e; --ink: #e8eeee; --dim: #9bb0b5; --line: #26393f; --water: #4bb8c9; --good: #7cc492; --rose: #f08aa0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15.5px/1.6 "Readex Pro Variable", "Readex Pro", system-ui, sans-serif; }
header, main { max-inline-size: 640px; margin-inline: auto; padding: 16px 20px; }
header { display: flex; align-items: baseline; gap: 20px; border-block-end: 1px solid var(--line); }
h1 { font-size: 20px; font-weight: 600; margin: 0; } header a { margin-inline-start: auto; }
h2 { font-size: 16px; font-weight: 600; margin: 28px 0 4px; }
p { margin: 8px 0; } .dim { color: var(--dim); } a { color: var(--water); }
dl { display: grid; grid-template-columns: 1fr auto; margin: 20px 0 0; } dt, dd { margin: 0; padding-block: 8px; border-block-end: 1px solid var(--line); }
dd, td { font-variant-numeric: tabular-nums; } dd { font-weight: 600; text-align: end; }
table { inline-size: 100%; border-collapse: collapse; margin-block-start: 12px; } th, td { text-align: start; padding: 8px 4px; border-block-end: 1px solid var(--line); }
th { color: var(--dim); font-weight: 400; font-size: 13.5px; } .good { color: var(--good); } .bad { color: var(--rose); font-weight: 600; }
:focus-visible { outline: 2px solid var(--water); outline-offset: 2px; }
`

/** Answers `/`. Everything on it is a number, a time or a word of ours. */
export async function vaultPage(
  { sql, drills }: { sql: Sql; drills: Drills },
  request: HttpRequest,
): Promise<HttpResponse> {
  const language = languageOf(request)
  const said = words[language]
  const number = (value: number) => new Intl.NumberFormat(language).format(value)
  const counts = await sql.get<{ kept: number; behind: number }>(
    `select count(*) as kept, coalesce(sum(state in ('wanted', 'behind')), 0) as behind
     from account where state <> 'erased'`,
  )
  const hosts = await sql.get<{ count: number }>('select count(*) as count from host')
  const held = await drills.list(DRILLS)
  const other = language === 'ar' ? 'en' : 'ar'
  const body = `<!doctype html>
<html lang="${language}" dir="${language === 'ar' ? 'rtl' : 'ltr'}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${said.title}</title><style>${STYLE}</style></head>
<body><header><h1>${said.title}</h1><a href="?lang=${other}" lang="${other}">${said.other}</a></header>
<main><p>${said.promise}</p>
<dl><dt>${said.accounts}</dt><dd>${number(counts!.kept)}</dd>
<dt>${said.behind}</dt><dd>${number(counts!.behind)}</dd>
<dt>${said.hosts}</dt><dd>${number(hosts!.count)}</dd></dl>
<h2>${said.practice}</h2><p class="dim">${said.practiceIs}</p>
${held.length === 0 ? `<p>${said.never}</p>` : table(held, language, number)}
</main></body></html>
`
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      'cache-control': 'no-store',
      vary: 'accept-language',
    },
    body,
  }
}

function table(
  held: readonly Drill[],
  language: Language,
  number: (value: number) => string,
): string {
  const said = words[language]
  const time = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
  const rows = held.map(({ startedMs, accounts, failed, records, blobs }) => {
    const result = failed === 0 ? said.whole : said.failed(number(failed))
    const cells = [time.format(startedMs), ...[accounts, records, blobs].map(number)]
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}<td class="${failed === 0 ? 'good' : 'bad'}">${result}</td></tr>`
  })
  const heads = [said.when, said.accounts, said.records, said.files, said.result]
  return `<table><thead><tr>${heads.map((head) => `<th>${head}</th>`).join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`
}

/** What was asked for, else what the browser likes better; Arabic is the first of the house. */
function languageOf({ query, headers }: HttpRequest): Language {
  const asked = new URLSearchParams(query).get('lang')
  if (asked === 'ar' || asked === 'en') return asked
  const likes = headers['accept-language']?.toLowerCase() ?? ''
  const [ar, en] = [/\bar\b/, /\ben\b/].map((one) => likes.search(one)) as [number, number]
  return en >= 0 && (ar < 0 || en < ar) ? 'en' : 'ar'
}
