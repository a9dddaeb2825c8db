/** What a page is: an address, what it shows, and what its form does. */
import type { HttpRequest, HttpResponse, RateRule } from '#protocol/xrpc'
import type { Device } from '../devices/index.ts'
import type { Form } from './form.ts'
import type { Html } from './html.ts'
import type { Language, Words } from './words.ts'

/** Somebody at a page. */
export interface Visit {
  readonly request: HttpRequest
  readonly path: string
  readonly query: URLSearchParams
  readonly language: Language
  /** Their browser. Setting another one (after a sign-in) sets its cookie. */
  device: Device
  /** For a form of this device: html`<form method="post">${visit.token}…`. */
  readonly token: Html
  /** Keeps a value in the browser for some seconds, out of reach of scripts; 0 takes it away. */
  keep(name: string, value: string, seconds: number): void
  kept(name: string): string | undefined
  /** Picks the words of the visitor's language. */
  words<T>(words: Words<T>): T
  /** Takes from budgets. Throws RateLimitExceeded (429). */
  limit<T extends { request: HttpRequest }>(
    rules: readonly RateRule<T>[],
    call: Omit<T, 'request'>,
  ): Promise<void>
}

/** Somebody who sent a form that is their own: its token was checked. */
export interface FormVisit extends Visit {
  readonly form: Form
}

/** A page to show. */
export interface View {
  title: string
  body: Html
  status?: number
  /** Beside the body, as a menu. */
  menu?: Html
  /** Names of files in `pages/files`, run after the page is there. */
  scripts?: readonly string[]
  /** Where there are no scripts, the page is loaded anew after so many seconds. */
  refreshSeconds?: number
  /** Origins that the page's forms may lead to, beside this host: `https://app.example`, `app.example:`. */
  formTargets?: readonly string[]
  /** In place of, or beside, the headers of every page. */
  headers?: Readonly<Record<string, string>>
}

/** Another page to go to, by a GET. */
export interface Redirect {
  redirect: string
}

/** An answer that is no page: a download. It gets no headers but its own. */
export interface Download {
  download: HttpResponse
}

export type Reply = View | Redirect | Download

/** One address. Without `post` it has no form, without `get` nothing to see. */
export interface Page {
  /** Exactly; no pattern. */
  path: string
  get?(visit: Visit): Reply | Promise<Reply>
  post?(visit: FormVisit): Reply | Promise<Reply>
  /** Bytes of its form, 32 KiB unless told. */
  bodyBytes?: number
}

/** Sends the browser to another page; to a path of this host, unless the caller knows better. */
export const redirect = (to: string): Redirect => ({ redirect: to })
