// Forms that need a passkey: they appear where the browser has them, ask it, and send its answer.
// Everything else on these pages works without this file.

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

const descriptors = (list = []) => list.map((one) => ({ ...one, id: bytes(one.id) }))

async function create(options) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: descriptors(options.excludeCredentials),
    },
  })
  return {
    ...{ id: made.id, rawId: made.id, type: made.type, clientExtensionResults: {} },
    response: {
      clientDataJSON: text(made.response.clientDataJSON),
      attestationObject: text(made.response.attestationObject),
      transports: made.response.getTransports?.() ?? [],
    },
  }
}

async function use(options, how = {}) {
  const used = await navigator.credentials.get({
    ...how,
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      allowCredentials: descriptors(options.allowCredentials),
    },
  })
  const { userHandle } = used.response
  return {
    ...{ id: used.id, rawId: used.id, type: used.type, clientExtensionResults: {} },
    response: {
      clientDataJSON: text(used.response.clientDataJSON),
      authenticatorData: text(used.response.authenticatorData),
      signature: text(used.response.signature),
      ...(userHandle && { userHandle: text(userHandle) }),
    },
  }
}

/** What the browser offers under a field while nobody has asked for it yet. */
let offered = new AbortController()

function send(form, answer) {
  form.elements.answer.value = JSON.stringify(answer)
  form.submit()
}

/** Passkeys among what the browser fills the name in with; nothing is said when none is chosen. */
async function offer(form) {
  const { isConditionalMediationAvailable } = PublicKeyCredential
  if (!(await isConditionalMediationAvailable?.call(PublicKeyCredential))) return
  const how = { mediation: 'conditional', signal: offered.signal }
  const answer = await use(JSON.parse(form.dataset.options), how).catch(() => undefined)
  if (answer) send(form, answer)
}

function prepare(form) {
  const failed = form.querySelector('[data-failed]')
  form.hidden = false
  if (document.querySelector('input[autocomplete~=webauthn]')) offer(form)
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    failed.hidden = true
    // A browser asks one question at a time.
    offered.abort()
    offered = new AbortController()
    try {
      const options = JSON.parse(form.dataset.options)
      send(form, await (form.dataset.passkey === 'create' ? create(options) : use(options)))
    } catch {
      failed.hidden = false
    }
  })
}

if (window.PublicKeyCredential)
  for (const form of document.forms) if (form.dataset.passkey) prepare(form)
