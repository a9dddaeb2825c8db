// A move as it goes on, without loading the page again: asks for the next version of it, which the host
// answers when there is one, and puts in what changed. Without this file the page loads itself anew.

const PAUSE_MS = 1_000
const AWAY_MS = 5_000
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const live = document.querySelector('[data-live]')
const said = document.querySelector('[data-said]')
const away = document.querySelector('[data-away]')

/** Fields keep what was typed, and the focus stays where it was. */
function putIn(next) {
  const typed = [...live.querySelectorAll('input[id]')].map(({ id, value }) => [id, value])
  const open = [...live.querySelectorAll('details[id]')].filter((one) => one.open)
  const focused = live.contains(document.activeElement) ? document.activeElement : undefined
  const name = focused && (focused.id || focused.dataset.key)
  live.innerHTML = next.innerHTML
  live.dataset.version = next.dataset.version
  live.dataset.state = next.dataset.state
  for (const [id, value] of typed) {
    const field = document.getElementById(id)
    if (field) field.value = value
  }
  for (const { id } of open) document.getElementById(id)?.setAttribute('open', '')
  if (!name) return
  const again = document.getElementById(name) ?? live.querySelector(`[data-key="${name}"]`)
  ;(again ?? document.getElementById('main')).focus()
}

function putPicture(page) {
  for (const part of document.querySelectorAll('[data-part]')) {
    const next = page.querySelector(`[data-part="${part.dataset.part}"]`)
    for (const { name, value } of next?.attributes ?? []) {
      if (part.getAttribute(name) !== value) part.setAttribute(name, value)
    }
  }
}

async function next() {
  const { live: path, version } = live.dataset
  const response = await fetch(`${path}&after=${version}`, { headers: { accept: 'text/html' } })
  if (!response.ok) throw new Error(`answered ${response.status}`)
  const page = new DOMParser().parseFromString(await response.text(), 'text/html')
  const shown = page.querySelector('[data-live]')
  // Signed out, or it is another page now.
  if (!shown) return location.reload()
  if (shown.dataset.version !== version || shown.dataset.state === 'document') putIn(shown)
  putPicture(page)
  const words = page.querySelector('[data-said]').textContent
  if (said.textContent !== words) said.textContent = words
  document.title = page.title
  document.querySelector('h1').textContent = page.querySelector('h1').textContent
}

async function watch() {
  while (live.dataset.state !== 'ended') {
    try {
      await next()
      away.hidden = true
      await wait(PAUSE_MS)
    } catch {
      away.hidden = false
      await wait(AWAY_MS)
    }
  }
}

if (live) watch()
