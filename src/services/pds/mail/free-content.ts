/**
 * What an operator writes to a person, in plain text or simple HTML: cut down to a few harmless
 * elements, and told as plain text too.
 */

export interface FreeContent {
  html: string
  text: string
}

const CONTENT_TAG =
  /<(?:p|br|div|a|b|strong|i|em|u|ul|ol|li|h[1-6]|blockquote|span|html|body)\b[^>]*>/i
/** Kept, without attributes. `div` and headings become paragraphs: a letter has one heading. */
const KEPT: Readonly<Record<string, string>> = {
  ...{ p: 'p', div: 'p', h1: 'p', h2: 'p', h3: 'p', h4: 'p', h5: 'p', h6: 'p' },
  ...{ b: 'strong', strong: 'strong', i: 'em', em: 'em', u: 'u', code: 'code', pre: 'pre' },
  ...{ ul: 'ul', ol: 'ol', li: 'li', blockquote: 'blockquote' },
}
/** Dropped with all that is in them. */
const SILENT =
  /<(script|style|head|title|template|svg|math|iframe|object)\b[\s\S]*?(?:<\/\1\s*>|$)/gi
const TOKEN = /<!--[\s\S]*?(?:-->|$)|<\/?[a-z][^<>]*>|[^<]+|</gi
const LINK = /^(?:https?:\/\/|mailto:)[^\s"'<>]+$/i
const ENTITIES: Readonly<Record<string, string>> = {
  ...{ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' },
}
const NESTED_MAX = 50

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`)
}

/** Never fails: what is not understood is shown as text. */
export function freeContent(content: string): FreeContent {
  return CONTENT_TAG.test(content) ? fromHtml(content) : fromText(content)
}

function fromText(content: string): FreeContent {
  const text = content.replace(/\r\n?/g, '\n').trim()
  const paragraphs = text.split(/\n{2,}/)
  const html = paragraphs.map((one) => `<p>${escapeHtml(one).replaceAll('\n', '<br>')}</p>`)
  return { html: html.join(''), text }
}

function fromHtml(content: string): FreeContent {
  const open: string[] = []
  const html: string[] = []
  const text: string[] = []
  /** Where links that are open go. */
  const links: string[] = []
  const close = (name: string) => {
    const depth = open.lastIndexOf(name)
    while (depth >= 0 && open.length > depth) {
      const closed = open.pop()!
      html.push(`</${closed}>`)
      text.push(closed === 'a' ? linkText(links.pop()) : isBlock(closed) ? '\n' : '')
    }
  }
  for (const [token] of content.replace(SILENT, '').matchAll(TOKEN)) {
    const tag = /^<(\/?)([a-z][a-z0-9]*)/i.exec(token)
    if (!tag) {
      if (token.startsWith('<!--')) continue
      const words = decode(token)
      html.push(escapeHtml(words))
      text.push(open.includes('pre') ? words : words.replace(/\s+/g, ' '))
      continue
    }
    const given = tag[2]!.toLowerCase()
    const name = given === 'a' ? 'a' : KEPT[given]
    if (given === 'br') {
      html.push('<br>')
      text.push('\n')
    } else if (given === 'hr') {
      text.push('\n')
    } else if (name === undefined) {
    } else if (tag[1] === '/') {
      close(name)
    } else if (open.length < NESTED_MAX) {
      if (name === 'p') close('p')
      const target = name === 'a' ? linkOf(token) : undefined
      if (name === 'a' && !target) continue
      open.push(name)
      html.push(target ? `<a href="${escapeHtml(target)}" rel="noopener">` : `<${name}>`)
      if (target) links.push(target)
      text.push(name === 'li' ? '\n- ' : isBlock(name) ? '\n' : '')
    }
  }
  while (open.length > 0) close(open.at(-1)!)
  return { html: html.join(''), text: tidy(text.join('')) }
}

const isBlock = (name: string) => ['p', 'li', 'ul', 'ol', 'pre', 'blockquote'].includes(name)

const linkText = (target: string | undefined) =>
  target ? ` (${target.replace(/^mailto:/, '')})` : ''

function linkOf(token: string): string | undefined {
  const found = /\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i.exec(token)
  const target = decode(found?.[1] ?? found?.[2] ?? found?.[3] ?? '').trim()
  return LINK.test(target) ? target : undefined
}

function decode(text: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]{2,6});/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name.toLowerCase()] ?? whole
    const point =
      name[1]!.toLowerCase() === 'x' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
    return point > 31 && point <= 0x10ffff ? String.fromCodePoint(point) : ' '
  })
}

function tidy(text: string): string {
  return text
    .replace(/(?<![ \t])[ \t]+\n/g, '\n')
    .replace(/\n[ \t]+(?!-)/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}
