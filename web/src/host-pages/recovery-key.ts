/**
 * The script of a host's own page /account/recovery-key: makes, shows and reads keys. The page is the
 * host's and brings the words; forms of it take what leaves. Fields for secrets have no name.
 */
import { readRecoverySheet } from 'falaj/protocol/identity'
import type { Did } from 'falaj/protocol/syntax'
import {
  isWord,
  lockWithPasskey,
  makeOwnKey,
  mayLock,
  type OwnKey,
  openWithPasskey,
  ownKeyOf,
  placesToAsk,
  proofOf,
} from '../data/own-key.ts'
import { alertBeside, mendedOf, report, type Said, whyUnread, wordsOf } from './sheet.ts'

const place = document.getElementById('own-key')
if (place) start(place)

function start(root: HTMLElement): void {
  const did = root.dataset.did as Did
  const registered = (root.dataset.keys ?? '').split(' ')
  const say = wordsOf(root)
  const one = <E extends HTMLElement>(selector: string, within: ParentNode = root) =>
    within.querySelector<E>(selector)!
  const make = one('#make')
  const keep = one<HTMLFormElement>('form[data-step=keep]')
  let key: OwnKey | undefined
  let asked: number[] = []
  root.hidden = false
  if (mayLock()) one('[data-passkey]', keep).hidden = false

  /** One step at a time; whoever reads by ear or key is taken there. */
  function show(step: string, focus = true): void {
    for (const part of make.querySelectorAll<HTMLElement>('[data-step]'))
      part.hidden = part.dataset.step !== step
    if (focus) one(`[data-step=${step}]`, make).focus()
  }

  function showWords(made: OwnKey): void {
    key = made
    const day = new Date().toISOString().slice(0, 10)
    const facts: Said = { did, key: made.didKey, date: day }
    for (const fact of make.querySelectorAll<HTMLElement>('[data-fact]'))
      fact.textContent = String(facts[fact.dataset.fact!] ?? '')
    one('[data-words]', make).replaceChildren(
      ...made.words.map(({ word, code }, at) => {
        const item = document.createElement('li')
        const parts: [string, string][] = [
          ['place', String(at + 1)],
          ['word', word],
          ['number', code],
        ]
        for (const [name, text] of parts) {
          const span = document.createElement('span')
          span.className = name
          span.textContent = text
          item.append(span, ' ')
        }
        return item
      }),
    )
    show('words')
  }

  function askAgain(): void {
    asked = placesToAsk(key!.words.length)
    for (const [at, number] of asked.entries()) {
      const field = one<HTMLInputElement>(`#ask-${at}`)
      field.value = ''
      one(`label[for=ask-${at}]`).textContent = say('askWord', { place: number })
    }
    report(one('[data-step=ask] [data-error]'))
    show('ask', false)
    one('#ask-0').focus()
  }

  function checkAsked(): void {
    const wrong = asked.findIndex((number, at) => {
      const typed = one<HTMLInputElement>(`#ask-${at}`).value
      return !isWord(typed, key!.words[number - 1]!)
    })
    if (wrong < 0) {
      prepare(key!)
      return
    }
    report(one('[data-step=ask] [data-error]'), say('askWrong', { place: asked[wrong]! }))
    one(`#ask-${wrong}`).focus()
  }

  /** All that is sent of a key: its public half, and a signature that it is held. */
  function prepare(made: OwnKey): void {
    key = made
    fill(keep, proofOf(made, did))
    for (const field of make.querySelectorAll<HTMLInputElement>('[data-step=ask] input'))
      field.value = ''
    show('keep', false)
    one<HTMLInputElement>('[name=label]', keep).focus()
  }

  async function send(): Promise<void> {
    const button = one<HTMLButtonElement>('.buttons:last-child button', keep)
    const error = one('.notice[data-error]', keep)
    if (button.disabled || !key) return
    button.disabled = true
    report(error)
    try {
      const lock = one<HTMLInputElement>('[data-lock]', keep)
      const wrapped = one<HTMLInputElement>('[name=wrapped]', keep)
      if (lock.checked && wrapped.value === '') {
        const locked = await lockWithPasskey(key, did, did)
        if (!locked) {
          lock.checked = false
          report(error, say('passkeyNot'))
          return
        }
        wrapped.value = JSON.stringify(locked)
      }
      // The proof is of the last minutes, however long a person looked at their sheet.
      fill(keep, proofOf(key, did))
      await post(keep, error)
    } finally {
      button.disabled = false
    }
  }

  /** Sends a form without leaving the page: what is said of it must not take the words away. */
  async function post(form: HTMLFormElement, error: HTMLElement): Promise<void> {
    const body = new URLSearchParams(new FormData(form) as never)
    const answer = await fetch(location.pathname, { method: 'POST', body })
    if (isDone(answer)) {
      window.removeEventListener('beforeunload', hold)
      location.assign(answer.url)
      return
    }
    report(error, await saidIn(answer))
  }

  async function sendCode(button: HTMLButtonElement): Promise<void> {
    const status = one('[role=status]', button.parentElement!)
    const body = new URLSearchParams(new FormData(button.form!) as never)
    body.set('do', 'code')
    const answer = await fetch(location.pathname, { method: 'POST', body })
    status.textContent = isDone(answer) ? say('codeSent') : await saidIn(answer)
  }

  function checkSheet(): void {
    const area = one<HTMLTextAreaElement>('#sheet')
    const place = one('[data-report]')
    const sheet = readRecoverySheet(area.value)
    if (sheet.kind !== 'read') {
      report(place, ...whyUnread(sheet, say))
      return
    }
    const made = ownKeyOf(sheet.secret)
    const mended = mendedOf(sheet, say)
    area.value = ''
    if (!registered.includes(made.didKey)) {
      report(place, ...mended, say('notYours'))
      prepare(made)
      return
    }
    const form = one<HTMLFormElement>('#check form')
    fill(form, proofOf(made, did))
    report(place, ...mended)
    // What is wrong on the paper is read before the page goes on.
    if (mended.length === 0) form.submit()
    else one('[data-send]', form).hidden = false
  }

  const actions: Record<string, () => void> = {
    make: () => {
      window.addEventListener('beforeunload', hold)
      showWords(makeOwnKey())
    },
    print: () => window.print(),
    written: askAgain,
    again: () => show('words'),
    asked: checkAsked,
    check: checkSheet,
  }
  root.addEventListener('click', ({ target }) => {
    const button = target instanceof Element ? target.closest<HTMLElement>('[data-do]') : null
    if (button) actions[button.dataset.do!]?.()
  })
  make.addEventListener('keydown', (event) => {
    const { target } = event
    if (event.key !== 'Enter' || !(target instanceof HTMLInputElement)) return
    if (!target.id.startsWith('ask-')) return
    event.preventDefault()
    checkAsked()
  })
  keep.addEventListener('submit', (event) => {
    event.preventDefault()
    void send()
  })
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-code]')) {
    button.addEventListener('click', (event) => {
      event.preventDefault()
      void sendCode(button)
    })
  }
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-open]')) {
    button.hidden = !mayLock()
    button.addEventListener('click', async () => {
      const opened = await openWithPasskey(JSON.parse(button.dataset.open!), did)
      if (opened) showWords(opened)
      else alertBeside(button, say('passkeyWrong'))
    })
  }
}

/** The page itself comes after what was done; another one, such as the sign-in, says that it was not. */
const isDone = ({ redirected, url }: Response): boolean =>
  redirected && new URL(url).pathname === location.pathname

/** What a page that came as an answer says went wrong. */
async function saidIn(answer: Response): Promise<string> {
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
  const said = page.querySelector('[role=alert]') ?? page.querySelector('main .lead')
  return said?.textContent ?? String(answer.status)
}

/** Words nobody has written down yet are lost with the page: the browser asks first. */
const hold = (event: BeforeUnloadEvent): void => event.preventDefault()

function fill(form: HTMLFormElement, values: object): void {
  for (const [name, value] of Object.entries(values)) {
    const field = form.elements.namedItem(name)
    if (field instanceof HTMLInputElement) field.value = String(value)
  }
}
