/** Opening an account: where it lives, what it is called, and the key to it. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { go } from '../app/router.ts'
import { say } from '../app/toasts.ts'
import { cleanName } from '../data/identity.ts'
import { type Problem, problemOf } from '../data/problem.ts'
import { type HostTerms, hostTerms, isFree, nameTrouble, openAccount } from '../data/sign-up.ts'
import { CallError, hostOf } from '../data/xrpc.ts'
import { Choices, Field } from '../parts/form.tsx'
import { Head } from '../parts/page.tsx'
import { Bone, FormTrouble } from '../parts/states.tsx'
import { rich, t } from '../words/index.ts'

const passwordLength = 8

export function SignUp() {
  const hosts = useSignal<HostTerms[] | undefined>(undefined)
  useEffect(() => {
    void hostTerms().then((list) => {
      hosts.value = list
    })
  }, [])
  return (
    <>
      <Head title={t('signUp')} up="/" />
      <div class="stage">
        <p class="lead">{t('signUp.lead')}</p>
        {hosts.value ? <Form hosts={hosts.value} /> : <FormBones />}
        <p class="small soft section">
          {rich('signUp.already', { signIn: <a href="/sign-in">{t('signIn')}</a> })}
        </p>
      </div>
    </>
  )
}

function FormBones() {
  return (
    <div class="form" role="status" aria-label={t('loading')}>
      {[64, 64, 74, 74, 74].map((height, index) => (
        <Bone key={index} width="100%" height={height} />
      ))}
    </div>
  )
}

type Free = 'unknown' | 'asking' | 'free' | 'taken'

function Form({ hosts }: { hosts: HostTerms[] }) {
  const host = useSignal(hosts.find(({ silent }) => !silent) ?? hosts[0])
  const name = useSignal('')
  const handle = useSignal('')
  const password = useSignal('')
  const email = useSignal('')
  const invite = useSignal('')
  const wantsKey = useSignal(false)
  const free = useSignal<Free>('unknown')
  const tried = useSignal(false)
  const busy = useSignal(false)
  const problem = useSignal<Problem | undefined>(undefined)
  const refusal = useSignal<Refusal | undefined>(undefined)
  const chosen = host.value
  const domain = chosen?.domains[0] ?? ''
  const full = `${handle.value}${domain}`
  const trouble = nameTrouble(handle.value)

  useEffect(() => {
    free.value = 'unknown'
    if (trouble || !chosen) return
    const stop = new AbortController()
    const timer = setTimeout(() => {
      free.value = 'asking'
      isFree(chosen.url, full, stop.signal).then(
        (yes) => {
          free.value = yes ? 'free' : 'taken'
        },
        () => {
          if (!stop.signal.aborted) free.value = 'unknown'
        },
      )
    }, 350)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [full, trouble, chosen])

  async function submit() {
    tried.value = true
    problem.value = undefined
    refusal.value = undefined
    if (busy.peek() || !chosen || trouble || password.peek().length < passwordLength) return
    busy.value = true
    try {
      await openAccount({
        host: chosen.url,
        handle: full,
        password: password.peek(),
        email: email.peek().trim(),
        invite: invite.peek().trim(),
        name: name.peek(),
      })
      say(t('signUp.welcome'))
      go(wantsKey.peek() ? '/data/key?new' : '/people', { replace: true })
    } catch (error) {
      refusal.value = refusalOf(error)
      if (!refusal.value) problem.value = problemOf(error)
    } finally {
      busy.value = false
    }
  }

  return (
    <form
      class="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      <Choices
        name="host"
        legend={t('signUp.host')}
        value={chosen?.url ?? ''}
        options={hosts.map(({ url, domains, silent }) => ({
          value: url,
          label: <bdi dir="ltr">{hostOf(url)}</bdi>,
          note: silent
            ? t('signUp.hostSilent')
            : rich('signUp.hostNames', { name: <bdi dir="ltr">@…{domains[0] ?? ''}</bdi> }),
          off: silent,
        }))}
        onChoose={(url) => {
          host.value = hosts.find((one) => one.url === url)
        }}
      />
      <p class="hint">{t('signUp.hostHint')}</p>
      <Field
        label={t('signUp.name')}
        optional
        value={name.value}
        autocomplete="name"
        onInput={(value) => {
          name.value = value
        }}
      />
      <HandleField
        value={handle.value}
        domain={domain}
        free={refusal.value === 'handle' ? 'taken' : free.value}
        tried={tried.value}
        onInput={(value) => {
          handle.value = cleanName(value)
        }}
      />
      <Field
        label={t('password')}
        type="password"
        value={password.value}
        autocomplete="new-password"
        hint={t('signUp.passwordHint', { n: passwordLength })}
        tone={
          (tried.value && password.value.length < passwordLength) || refusal.value === 'password'
            ? 'bad'
            : undefined
        }
        onInput={(value) => {
          password.value = value
        }}
      />
      <Field
        label={t('email')}
        type="email"
        optional
        value={email.value}
        autocomplete="email"
        hint={t(refusal.value === 'email' ? 'signUp.emailRefused' : 'signUp.emailHint')}
        tone={refusal.value === 'email' ? 'bad' : undefined}
        onInput={(value) => {
          email.value = value
        }}
      />
      {(chosen?.inviteNeeded || refusal.value === 'invite') && (
        <Field
          label={t('signUp.invite')}
          latin
          value={invite.value}
          hint={t('signUp.inviteHint')}
          tone={refusal.value === 'invite' ? 'bad' : undefined}
          onInput={(value) => {
            invite.value = value
          }}
        />
      )}
      <label class="choice">
        <input
          type="checkbox"
          checked={wantsKey.value}
          onChange={(event) => {
            wantsKey.value = event.currentTarget.checked
          }}
        />
        <span>
          <span>{t('ownKey.offer')}</span>
          <span class="small quiet">{t('ownKey.offerHint')}</span>
        </span>
      </label>
      {problem.value && <FormTrouble problem={problem.value} />}
      <button type="submit" class="button wide" disabled={busy.value} aria-busy={busy.value}>
        {t(busy.value ? 'signUp.opening' : 'signUp.open')}
      </button>
    </form>
  )
}

type Refusal = 'handle' | 'password' | 'email' | 'invite'

/** The field that a host's refusal is about, when it is about one. */
function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof CallError)) return undefined
  const text = `${error.error} ${error.message}`
  if (/HandleNotAvailable|UnsupportedDomain|InvalidHandle|handle/i.test(text)) return 'handle'
  if (/InvalidPassword|password/i.test(text)) return 'password'
  if (/email/i.test(text)) return 'email'
  if (/InvalidInviteCode|invite/i.test(text)) return 'invite'
  return undefined
}

interface HandleFieldProps {
  value: string
  domain: string
  free: Free
  tried: boolean
  onInput: (value: string) => void
}

function HandleField({ value, domain, free, tried, onInput }: HandleFieldProps) {
  const trouble = nameTrouble(value)
  const whole = <bdi dir="ltr">{`@${value}${domain}`}</bdi>
  const early = trouble === 'short' && !tried
  const bad = (trouble && !early) || free === 'taken'
  const hint = () => {
    if (trouble && (!early || value === '')) {
      return early ? t('handle.hint') : t(`handle.${trouble}`)
    }
    if (trouble) return t('handle.hint')
    if (free === 'taken') return rich('handle.taken', { handle: whole })
    if (free === 'free') return rich('handle.free', { handle: whole })
    return rich('handle.yours', { handle: whole })
  }
  return (
    <Field
      label={t('handle')}
      latin
      value={value}
      suffix={domain}
      autocomplete="username"
      hint={hint()}
      tone={bad ? 'bad' : free === 'free' ? 'good' : undefined}
      onInput={onInput}
    />
  )
}
