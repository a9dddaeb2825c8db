/** Who operates which host. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { CallError } from '../data/xrpc.ts'
import { Field } from '../parts/form.tsx'
import { Mark } from '../parts/icon.tsx'
import { signIn } from './host.ts'
import { Trouble } from './parts.tsx'
import { w } from './words/index.ts'

export function SignIn() {
  const host = useSignal('')
  const name = useSignal('admin')
  const password = useSignal('')
  const busy = useSignal(false)
  const error = useSignal<unknown>(undefined)
  useEffect(() => {
    suggestedHost().then(
      (url) => {
        if (host.peek() === '') host.value = url
      },
      () => {},
    )
  }, [])
  const service = originOf(host.value)
  const wrong = error.value instanceof CallError && error.value.status === 401
  const submit = async () => {
    if (!service || busy.peek()) return
    busy.value = true
    error.value = undefined
    try {
      await signIn({ service, name: name.peek().trim(), password: password.peek() })
    } catch (thrown) {
      error.value = thrown
    } finally {
      busy.value = false
    }
  }
  return (
    <main class="console-door" id="page">
      <Mark size={40} />
      <h1>{w('signIn.title')}</h1>
      <p class="lead">{w('signIn.lead')}</p>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <Field
          label={w('signIn.host')}
          value={host.value}
          onInput={(value) => (host.value = value)}
          latin
          required
          autocomplete="url"
          tone={host.value !== '' && !service ? 'bad' : undefined}
          hint={hintFor(host.value, service)}
        />
        <Field
          label={w('signIn.name')}
          value={name.value}
          onInput={(value) => (name.value = value)}
          latin
          required
          autocomplete="username"
        />
        <Field
          label={w('signIn.password')}
          value={password.value}
          onInput={(value) => (password.value = value)}
          type="password"
          required
          autofocus
          autocomplete="current-password"
          tone={wrong ? 'bad' : undefined}
          hint={wrong ? w('signIn.wrong') : undefined}
        />
        {!wrong && <Trouble error={error.value} />}
        <button type="submit" class="button wide" disabled={!service} aria-busy={busy.value}>
          {w('signIn.go')}
        </button>
      </form>
    </main>
  )
}

function hintFor(text: string, service: string | undefined): string | undefined {
  if (text !== '' && !service) return w('signIn.address')
  const isPlain = service?.startsWith('http:') && !/^http:\/\/(localhost|127\.)/.test(service)
  return isPlain ? w('signIn.plain') : undefined
}

function originOf(text: string): string | undefined {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined
  return url && /^https?:$/.test(url.protocol) ? url.origin : undefined
}

/** The first host that this web service knows of. */
async function suggestedHost(): Promise<string> {
  const response = await fetch('/config.json', { signal: AbortSignal.timeout(10_000) })
  const { pds } = (await response.json()) as { pds?: { url?: string }[] }
  return String(pds?.[0]?.url ?? '')
}
