/** Signing in: from a name to the person's own host, wherever that is. */
import { useSignal } from '@preact/signals'
import { isDid, isHandle } from 'falaj/protocol/syntax'
import { network } from '../app/config.ts'
import { go, place } from '../app/router.ts'
import { cleanName, didOf, identityOf } from '../data/identity.ts'
import { type Problem, problemOf } from '../data/problem.ts'
import { signIn } from '../data/session.ts'
import { CallError, hostOf } from '../data/xrpc.ts'
import { Choices, Field } from '../parts/form.tsx'
import { Head } from '../parts/page.tsx'
import { FormTrouble } from '../parts/states.tsx'
import { rich, t } from '../words/index.ts'

type Trouble = 'noName' | 'nobody' | 'noHost' | 'wrong' | 'code'

export function SignIn() {
  const name = useSignal(place.peek().query.get('as') ?? '')
  const password = useSignal('')
  const code = useSignal('')
  const codeAsked = useSignal(false)
  const host = useSignal<string | undefined>(undefined)
  const busy = useSignal(false)
  const trouble = useSignal<Trouble | undefined>(undefined)
  const problem = useSignal<Problem | undefined>(undefined)
  const found = useSignal<string | undefined>(undefined)
  const clean = cleanName(name.value)
  const byMail = clean.includes('@')

  async function submit() {
    if (busy.peek()) return
    trouble.value = undefined
    problem.value = undefined
    busy.value = true
    try {
      const where = byMail ? (host.peek() ?? network().pds[0]?.url) : await hostFor(clean)
      if (where === undefined) throw new Refused('noHost')
      found.value = where
      await signIn(where, clean, password.peek(), code.peek().trim())
      go(place.peek().query.get('to') ?? '/', { replace: true })
    } catch (error) {
      if (error instanceof Refused) trouble.value = error.trouble
      else if (isCodeWanted(error)) {
        trouble.value = codeAsked.peek() ? 'code' : undefined
        codeAsked.value = true
      } else if (isWrong(error)) trouble.value = 'wrong'
      else problem.value = problemOf(error)
    } finally {
      busy.value = false
    }
  }

  return (
    <>
      <Head title={t('signIn')} up="/" />
      <div class="stage">
        <p class="lead">{t('signIn.lead')}</p>
        <form
          class="form"
          noValidate
          onSubmit={(event) => {
            event.preventDefault()
            void submit()
          }}
        >
          <Field
            label={t('signIn.name')}
            latin
            autofocus
            value={name.value}
            autocomplete="username"
            placeholder="sara.example"
            hint={nameHint(trouble.value)}
            tone={isAboutName(trouble.value) ? 'bad' : undefined}
            onInput={(value) => {
              name.value = value
              found.value = undefined
            }}
          />
          {byMail && network().pds.length > 1 && (
            <Choices
              name="host"
              legend={t('signIn.host')}
              value={host.value ?? network().pds[0]?.url ?? ''}
              options={network().pds.map(({ url }) => ({
                value: url,
                label: <bdi dir="ltr">{hostOf(url)}</bdi>,
              }))}
              onChoose={(url) => {
                host.value = url
              }}
            />
          )}
          <Field
            label={t('password')}
            type="password"
            value={password.value}
            autocomplete="current-password"
            tone={trouble.value === 'wrong' ? 'bad' : undefined}
            hint={passwordHint(trouble.value, found.value)}
            onInput={(value) => {
              password.value = value
            }}
          />
          {codeAsked.value && (
            <Field
              label={t('signIn.code')}
              latin
              autofocus
              value={code.value}
              autocomplete="one-time-code"
              hint={t(trouble.value === 'code' ? 'signIn.codeWrong' : 'signIn.codeHint')}
              tone={trouble.value === 'code' ? 'bad' : undefined}
              onInput={(value) => {
                code.value = value
              }}
            />
          )}
          {problem.value && <FormTrouble problem={problem.value} />}
          <button
            type="submit"
            class="button wide"
            disabled={busy.value || clean === '' || password.value === ''}
            aria-busy={busy.value}
          >
            {t('signIn')}
          </button>
        </form>
        <p class="small soft section">
          {rich('signIn.notYet', { signUp: <a href="/sign-up">{t('signUp')}</a> })}
        </p>
      </div>
    </>
  )
}

class Refused extends Error {
  readonly trouble: Trouble
  constructor(trouble: Trouble) {
    super(trouble)
    this.trouble = trouble
  }
}

/** The host where the account of this handle or DID lives, by its own documents. */
async function hostFor(name: string): Promise<string | undefined> {
  if (!isDid(name) && !isHandle(name)) throw new Refused('noName')
  const did = isDid(name) ? name : await didOf(name)
  if (did === undefined) throw new Refused('nobody')
  try {
    return (await identityOf(did)).pds
  } catch (error) {
    if (error instanceof CallError && error.status === 404) throw new Refused('nobody')
    throw error
  }
}

function isWrong(error: unknown): boolean {
  if (!(error instanceof CallError)) return false
  return error.status === 401 || error.error === 'AuthenticationRequired'
}

function isCodeWanted(error: unknown): boolean {
  return error instanceof CallError && error.error === 'AuthFactorTokenRequired'
}

const isAboutName = (trouble?: Trouble) =>
  trouble === 'noName' || trouble === 'nobody' || trouble === 'noHost'

function nameHint(trouble?: Trouble) {
  if (trouble === 'noName') return t('signIn.noName')
  if (trouble === 'nobody') return t('signIn.nobody')
  if (trouble === 'noHost') return t('signIn.noHost')
  return t('signIn.nameHint')
}

function passwordHint(trouble: Trouble | undefined, host: string | undefined) {
  const where = host && <bdi dir="ltr">{hostOf(host)}</bdi>
  if (trouble === 'wrong' && where) return rich('signIn.wrong', { host: where })
  return where ? rich('signIn.at', { host: where }) : undefined
}
