/** A letter as text and as HTML: both languages, the reader's first, equal in what they say. */
import type { CodePurpose } from '../sign-in/index.ts'
import { escapeHtml, freeContent } from './free-content.ts'
import type { Language, Languages } from './languages.ts'
import { common, type NoticePurpose, notices, type Words, words } from './words.ts'

export interface RenderedLetter {
  subject: string
  text: string
  html: string
}

/** About whom, and from where. */
export interface LetterFrame {
  /** The account's handle, where it is known. */
  handle: string | undefined
  /** Public URL of the host. */
  host: string
  languages: Languages
}

const DIRECTIONS: Readonly<Record<Language, 'rtl' | 'ltr'>> = { ar: 'rtl', en: 'ltr' }
/** Left-to-right isolate around names inside text of any direction (UAX 9). */
const isolated = (text: string) => `\u2066${text}\u2069`
const bdi = (text: string) => `<bdi dir="ltr">${escapeHtml(text)}</bdi>`

const FONT = "font-family:'Readex Pro',system-ui,-apple-system,'Segoe UI',Tahoma,Arial,sans-serif"
const CODE_STYLE =
  'margin:20px 0;padding:16px 12px;border:1px solid #d8e3e4;border-radius:10px;background:#f1f6f6;color:#0b7285;font:600 26px/1.3 ui-monospace,Consolas,Menlo,monospace;letter-spacing:2px;text-align:center;user-select:all;-webkit-user-select:all'

/** A letter with a one-time code. */
export function renderCode(purpose: CodePurpose, code: string, frame: LetterFrame): RenderedLetter {
  const inside = {
    text: code,
    html: `<p style="${CODE_STYLE}"><bdi dir="ltr">${escapeHtml(code)}</bdi></p>`,
    hasLifetime: true,
  }
  return renderWords(words[purpose], inside, frame)
}

/** A letter about something that happened: from what, and where. */
export function renderNotice(
  purpose: NoticePurpose,
  facts: readonly string[],
  frame: LetterFrame,
): RenderedLetter {
  const inside = {
    text: facts.map(isolated).join('\n'),
    html: `<p style="margin:16px 0;color:#5b6b70">${facts.map(bdi).join('<br>')}</p>`,
    hasLifetime: false,
  }
  return renderWords(notices[purpose], inside, frame)
}

function renderWords(
  said: Readonly<Record<Language, Words>>,
  inside: { text: string; html: string; hasLifetime: boolean },
  frame: LetterFrame,
): RenderedLetter {
  const parts = frame.languages.map((language) => {
    const { heading, about, otherwise } = said[language]
    const { lifetime, unknown } = common[language]
    const account = frame.handle === undefined ? unknown : `@${frame.handle}`
    const name = frame.handle === undefined ? escapeHtml(unknown) : bdi(account)
    const line = frame.handle === undefined ? account : isolated(account)
    const last = inside.hasLifetime ? [lifetime, otherwise] : [otherwise]
    return {
      language,
      text: [heading, '', `${about} ${line}`, '', inside.text, '', ...last].join('\n'),
      html: `<h1 style="margin:0 0 12px;font-size:19px;line-height:1.4;font-weight:600">${escapeHtml(heading)}</h1>
<p style="margin:0">${escapeHtml(about)} <strong>${name}</strong></p>
${inside.html}
<p style="margin:0">${last.map(escapeHtml).join('<br>')}</p>`,
    }
  })
  const subject = frame.languages.map((language) => said[language].subject).join(' · ')
  return whole(subject, parts, frame)
}

/** A letter in the operator's own words, which stand once: nobody translates them. */
export function renderMessage(
  subject: string,
  content: string,
  frame: LetterFrame,
): RenderedLetter {
  const { html, text } = freeContent(content)
  const intro = frame.languages.map((language) => common[language].message)
  const message = {
    language: undefined,
    text: `${intro.join('\n')}\n\n${subject}\n\n${text}`,
    html: `${frame.languages
      .map(
        (language) =>
          `<p lang="${language}" dir="${DIRECTIONS[language]}" style="margin:0;color:#5b6b70;font-size:14px">${escapeHtml(common[language].message)}</p>`,
      )
      .join('\n')}
<h1 dir="auto" style="margin:16px 0 12px;font-size:19px;line-height:1.4;font-weight:600">${escapeHtml(subject)}</h1>
<div dir="auto">${html}</div>`,
  }
  return whole(subject, [message], frame)
}

interface Part {
  language: Language | undefined
  text: string
  html: string
}

function whole(subject: string, parts: readonly Part[], frame: LetterFrame): RenderedLetter {
  const host = new URL(frame.host).host
  const [first] = frame.languages
  const foot = frame.languages.map((language) => ({
    text: `${common[language].from} ${isolated(host)}`,
    html: `<p lang="${language}" dir="${DIRECTIONS[language]}" style="margin:4px 0 0">${escapeHtml(common[language].from)} ${bdi(host)}</p>`,
  }))
  const divider = '<hr style="margin:28px 0;border:0;border-top:1px solid #e4e1d8">'
  const html = `<!doctype html>
<html lang="${first}" dir="${DIRECTIONS[first]}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light"><title>${escapeHtml(subject)}</title></head>
<body style="margin:0;padding:0;background:#fbfaf7">
<div style="max-width:540px;margin:0 auto;padding:32px 20px;color:#14252b;font-size:16px;line-height:1.6;${FONT}">
${parts.map(sectionOf).join(`\n${divider}\n`)}
${divider}
<div style="color:#5b6b70;font-size:13px">${foot.map((one) => one.html).join('\n')}</div>
</div>
</body>
</html>
`
  const text = [...parts.map((part) => part.text), foot.map((one) => one.text).join('\n')]
  return { subject, text: `${text.join('\n\n――――――\n\n')}\n`, html }
}

function sectionOf({ language, html }: Part): string {
  if (language === undefined) return html
  return `<div lang="${language}" dir="${DIRECTIONS[language]}">\n${html}\n</div>`
}
