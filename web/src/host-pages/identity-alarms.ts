/**
 * The script of a host's own page /account/identity-alarms: signs, with the words of a sheet or a copy
 * that a passkey opens, what takes a change back. Only the signature is sent; the field of the words
 * has no name.
 */
import { readRecoverySheet, type UnsignedPlcOperation } from 'falaj/protocol/identity'
import type { Did } from 'falaj/protocol/syntax'
import { mayLock, type OwnKey, openWithPasskey, ownKeyOf, signedBy } from '../data/own-key.ts'
import { alertBeside, mendedOf, report, whyUnread, wordsOf } from './sheet.ts'

for (const clock of document.querySelectorAll<HTMLElement>('[data-until]')) runDown(clock)

/** Hours, minutes and seconds that are left, each second anew. */
function runDown(clock: HTMLElement): void {
  const digits = new Intl.NumberFormat(document.documentElement.lang, {
    minimumIntegerDigits: 2,
    useGrouping: false,
  })
  const untilMs = Number(clock.dataset.until)
  clock.dir = 'ltr'
  clock.style.fontVariantNumeric = 'tabular-nums'
  // Who listens need not hear every second.
  clock.ariaHidden = 'true'
  const show = () => {
    const left = Math.max(0, Math.floor((untilMs - Date.now()) / 1_000))
    const parts = [Math.floor(left / 3_600), Math.floor(left / 60) % 60, left % 60]
    clock.textContent = parts.map((part) => digits.format(part)).join(':')
    if (left > 0) setTimeout(show, 1_000 - (Date.now() % 1_000))
  }
  show()
}

const place = document.getElementById('own-undo')
if (place instanceof HTMLFormElement) start(place)

function start(form: HTMLFormElement): void {
  const say = wordsOf(form)
  const did = form.dataset.did as Did
  const keys = (form.dataset.keys ?? '').split(' ')
  const operation = JSON.parse(form.dataset.operation!) as UnsignedPlcOperation
  const area = form.querySelector('textarea')!
  const told = form.querySelector<HTMLElement>('[data-report]')!
  const signature = form.elements.namedItem('sig') as HTMLInputElement
  form.hidden = false

  function send(key: OwnKey, ...lines: string[]): void {
    if (!keys.includes(key.didKey)) {
      report(told, ...lines, say('notKey'))
      return
    }
    report(told, ...lines)
    area.value = ''
    signature.value = signedBy(key, operation)
    form.submit()
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const sheet = readRecoverySheet(area.value)
    if (sheet.kind === 'read') send(ownKeyOf(sheet.secret), ...mendedOf(sheet, say))
    else report(told, ...whyUnread(sheet, say))
  })
  for (const button of form.querySelectorAll<HTMLButtonElement>('[data-open]')) {
    button.hidden = !mayLock()
    button.addEventListener('click', async () => {
      const opened = await openWithPasskey(JSON.parse(button.dataset.open!), did)
      if (opened) send(opened)
      else alertBeside(button, say('passkeyWrong'))
    })
  }
}
