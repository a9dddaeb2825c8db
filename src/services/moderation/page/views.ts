import { type EventRow, type SubjectRow, time } from '../decisions/index.ts'
import { type Html, html } from './html.ts'
import type { SubjectContent } from './subject-content.ts'
import type { Language, Words } from './words.ts'

/** How every page begins and ends. */
export interface Frame {
  language: Language
  words: Words
}

export const QUEUES = ['open', 'escalated', 'closed', 'all'] as const
export type Queue = (typeof QUEUES)[number]

export interface QueueRow {
  subject: SubjectRow
  labels: readonly string[]
}

export function page({ language, words }: Frame, title: string, here: string, body: Html): Html {
  const turned = language === 'ar' ? 'en' : 'ar'
  return html`<!doctype html>
<html lang="${language}" dir="${words.dir}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><link rel="stylesheet" href="/style.css"></head>
<body><header><h1><a href="/?lang=${language}">${words.title}</a></h1>
<form class="find row" action="/case"><input type="hidden" name="lang" value="${language}">
<input name="subject" dir="ltr" required aria-label="${words.findHint}" placeholder="${words.findHint}"><button>${words.find}</button></form>
<a class="end" lang="${turned}" href="${withLanguage(here, turned)}">${words.other}</a></header>
<main>${body}</main></body></html>`
}

function withLanguage(here: string, language: Language): string {
  const url = new URL(here, 'http://desk')
  url.searchParams.set('lang', language)
  return url.pathname + url.search
}

const caseLink = (key: string, language: Language) =>
  `/case?subject=${encodeURIComponent(key)}&lang=${language}`

const shownTime = (ms: number) =>
  html`<time dir="ltr" datetime="${time(ms)}">${time(ms).slice(0, 16).replace('T', ' ')}</time>`

function kindOf(words: Words, collection: string | null): string {
  if (collection === null) return words.account
  return collection === 'app.bsky.feed.post' ? words.post : words.record
}

function tags({ words }: Frame, row: SubjectRow, labels: readonly string[]): Html {
  return html`${row.takendown === 1 && html`<span class="tag down">${words.takendown}</span> `}${row.appealed === 1 && html`<span class="tag appeal">${words.appealed}</span> `}${labels.map((val) => html`<span class="tag" dir="ltr">${val}</span> `)}`
}

export function queueView(
  frame: Frame,
  view: { queue: Queue; rows: readonly QueueRow[]; cursor: string | undefined },
): Html {
  const { words, language } = frame
  const link = (queue: Queue) => `/?queue=${queue}&lang=${language}`
  const tab = (queue: Queue) =>
    queue === view.queue
      ? html`<a href="${link(queue)}" aria-current="page">${words[queue]}</a>`
      : html`<a href="${link(queue)}">${words[queue]}</a>`
  const next = view.cursor && `${link(view.queue)}&cursor=${encodeURIComponent(view.cursor)}`
  return html`<nav>${QUEUES.map(tab)}</nav>
${
  view.rows.length === 0
    ? html`<p>${words.nothing}</p>`
    : html`<table><thead><tr><th>${words.subject}</th><th>${words.reports}</th><th>${words.lastReported}</th><th>${words.labels}</th></tr></thead>
<tbody>${view.rows.map((row) => queueRow(frame, row))}</tbody></table>`
}
${next && html`<p><a href="${next}">${words.more}</a></p>`}`
}

function queueRow(frame: Frame, { subject, labels }: QueueRow): Html {
  const { words, language } = frame
  const { key, collection, reports, last_reported_ms: reportedMs } = subject
  return html`<tr><td>${kindOf(words, collection)} <a href="${caseLink(key, language)}"><bdi dir="ltr">${key}</bdi></a></td>
<td class="number">${reports}</td><td>${reportedMs > 0 && shownTime(reportedMs)}</td><td>${tags(frame, subject, labels)}</td></tr>`
}

export interface Case {
  key: string
  row: SubjectRow | undefined
  labels: readonly string[]
  events: readonly EventRow[]
  content: SubjectContent
}

export function caseView(frame: Frame, shown: Case, problem: string | undefined): Html {
  const { words } = frame
  const { key, row, labels, events, content } = shown
  return html`${problem !== undefined && html`<p class="problem" role="alert" dir="auto">${problem}</p>`}
<h2>${words.subject}</h2><p><bdi dir="ltr">${key}</bdi>${content.handle && html` · <bdi dir="ltr">@${content.handle}</bdi>`} ${row && tags(frame, row, labels)}</p>
${row?.carried_out && html`<p>${words.carriedOut}: ${carriedOut(words, row.carried_out)}</p>`}
${key.startsWith('at://') && html`<h2>${words.what}</h2>${content.text === undefined ? html`<p>${words.unreadable}</p>` : html`<blockquote dir="auto">${content.text}</blockquote>`}`}
<h2>${words.decide}</h2>${decideForm(frame, shown)}
<h2>${words.history}</h2><ol>${events.map((event) => eventItem(words, event))}</ol>
<p><a href="/?lang=${frame.language}">${words.back}</a></p>`
}

function carriedOut(words: Words, outcome: NonNullable<SubjectRow['carried_out']>): string {
  return outcome === 'label' ? words.labelOnly : words[outcome]
}

function decideForm({ words, language }: Frame, { key, row, content }: Case): Html {
  const button = (action: keyof Words, style = '') =>
    html`<button name="action" value="${action}" class="${style}">${words[action]}</button>`
  const cid = content.cid ?? row?.cid
  return html`<form class="decide" method="post" action="/act">
<input type="hidden" name="lang" value="${language}"><input type="hidden" name="subject" value="${key}">
${cid && html`<input type="hidden" name="cid" value="${cid}">`}
<label>${words.reason}<textarea name="reason" rows="3" dir="auto" maxlength="2000"></textarea><small>${words.reasonHint}</small></label>
<label>${words.value}<input name="value" dir="ltr" list="values" autocapitalize="none"></label>
<datalist id="values">${VALUES.map((value) => html`<option value="${value}"></option>`)}</datalist>
<label>${words.hours}<input name="hours" inputmode="numeric" pattern="[0-9]*" dir="ltr"></label>
<div class="row">${button('label', 'strong')}${button('unlabel')}${row?.takendown === 1 ? button('reverse') : button('takedown', 'danger')}${row?.appealed === 1 && button('resolve')}${button('acknowledge')}${button('escalate')}${button('comment')}</div></form>`
}

/** https://atproto.com/specs/label#label-values */
const VALUES = [
  'spam',
  'rude',
  'misleading',
  'porn',
  'sexual',
  'nudity',
  'graphic-media',
  '!warn',
  '!hide',
]

function eventItem(words: Words, row: EventRow): Html {
  const event = JSON.parse(row.body) as {
    comment?: string
    reportType?: string
    createLabelVals?: string[]
    negateLabelVals?: string[]
  }
  const said = [
    ...(event.createLabelVals ?? []).map((val) => `+${val}`),
    ...(event.negateLabelVals ?? []).map((val) => `−${val}`),
    ...(event.reportType ? [event.reportType.split('#reason')[1] ?? event.reportType] : []),
  ]
  const name = words[row.type as keyof Words] ?? row.type
  return html`<li>${name} ${said.map((one) => html`<span class="tag" dir="ltr">${one}</span> `)} ${shownTime(row.created_ms)} <small>${words.by} <bdi dir="ltr">${row.created_by}</bdi></small>${event.comment && html`<p dir="auto">${event.comment}</p>`}</li>`
}
