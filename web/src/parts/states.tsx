/** What a page shows before it has something, when it has nothing, and when something went wrong. */
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { config } from '../app/config.ts'
import { channelOf, checkChannel, type Side } from '../data/health.ts'
import type { Problem } from '../data/problem.ts'
import { me } from '../data/session.ts'
import { silentLayer } from '../data/silent.ts'
import { t } from '../words/index.ts'
import { Icon } from './icon.tsx'
import { DryScene, FieldScene, SourceScene } from './scenes.tsx'

/** Bones of posts: the size of what is coming. */
export function PostBones({ count = 5 }: { count?: number }) {
  return (
    <div role="status" aria-label={t('loading')}>
      {Array.from({ length: count }, (_, index) => (
        <div class="post" key={index} aria-hidden="true">
          <span class="bone round" style={{ width: '44px', height: '44px' }} />
          <div class="post-main">
            <Bone width={`${34 + ((index * 13) % 22)}%`} height={14} top={5} />
            <Bone width="96%" height={13} top={14} />
            <Bone width={`${48 + ((index * 29) % 40)}%`} height={13} top={11} />
            <Bone width="52%" height={12} top={20} bottom={12} />
          </div>
        </div>
      ))}
    </div>
  )
}

export function PeopleBones({ count = 6 }: { count?: number }) {
  return (
    <div class="people" role="status" aria-label={t('loading')}>
      {Array.from({ length: count }, (_, index) => (
        <div class="person" key={index} aria-hidden="true">
          <span class="bone round" style={{ width: '44px', height: '44px' }} />
          <div class="grow">
            <Bone width={`${28 + ((index * 17) % 24)}%`} height={14} top={5} />
            <Bone width={`${22 + ((index * 11) % 18)}%`} height={12} top={10} />
          </div>
        </div>
      ))}
    </div>
  )
}

interface BoneShape {
  width: string
  height: number
  top?: number
  bottom?: number
}

export function Bone({ width, height, top = 0, bottom = 0 }: BoneShape) {
  const style = {
    width,
    height: `${height}px`,
    marginBlockStart: `${top}px`,
    marginBlockEnd: `${bottom}px`,
  }
  return <span class="bone" style={style} />
}

interface EmptyProps {
  title: string
  children?: ComponentChildren
  action?: ComponentChildren
}

/** Nothing here yet, and what would change that. */
export function Empty({ title, children, action }: EmptyProps) {
  return (
    <div class="state">
      <FieldScene />
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action && <div class="actions">{action}</div>}
    </div>
  )
}

interface TroubleProps {
  problem: Problem
  /** Tries again; left out where trying again cannot help. */
  retry?: () => void
  /** The service behind what was asked for, and what to say when it is the one that is silent. */
  side?: Side
  /** What happened and what is safe, where a page can say it better. */
  what?: string
  safe?: string
}

/** What to say: of the layer that does not answer where it is known, else of the kind of problem. */
function wordsFor({ problem, side, what, safe }: TroubleProps) {
  const { kind } = problem
  const silent = config.value && silentLayer(problem, channelOf(me.value?.pds), side)
  const own = side === undefined || silent === side || silent === undefined
  if (own && what && safe) return { silent, what, safe }
  if (silent === 'host' || silent === 'identity') {
    return { silent, what: t(`silent.${silent}.what`), safe: t(`silent.${silent}.safe`) }
  }
  const said = silent === 'view' ? 'upstream' : kind
  return { silent, what: t(`problem.${said}.what`), safe: t(`problem.${said}.safe`) }
}

/** What happened, what is safe, what to do; the service's own words under the fold. */
export function Trouble(props: TroubleProps) {
  const { problem, retry } = props
  const { kind, detail, host } = problem
  useEffect(() => {
    // Who is silent is asked, not guessed; the margin then shows the same.
    const away = kind === 'unreachable' || kind === 'upstream'
    if (away && config.peek()) void checkChannel(me.peek()?.pds)
  }, [problem])
  const { silent, what, safe } = wordsFor(props)
  const where = host || t('problem.somewhere')
  return (
    <div class="state" role="alert">
      {kind === 'absent' ? <SourceScene /> : <DryScene />}
      <h2>{what}</h2>
      <p>{safe}</p>
      <div class="actions">
        {kind === 'signedOut' ? (
          <a class="button" href={signInPath()}>
            {t('signIn')}
          </a>
        ) : (
          retry && (
            <button type="button" class="button" onClick={retry}>
              {t('retry')}
            </button>
          )
        )}
        {silent && me.value && (
          <a class="button ghost" href="/data">
            {t('silent.layers')}
          </a>
        )}
      </div>
      {detail && (
        <details class="more">
          <summary>{t('details')}</summary>
          <code class="code">
            {where} · {detail}
          </code>
        </details>
      )}
    </div>
  )
}

/** A problem inside a list or a form: one line and one button. */
export function SmallTrouble(props: TroubleProps) {
  const { retry } = props
  return (
    <div class="end" role="alert">
      {wordsFor(props).what}{' '}
      {retry && (
        <button type="button" class="link-button" onClick={retry}>
          {t('retry')}
        </button>
      )}
    </div>
  )
}

/** A problem inside a form, beside the button that ran into it. */
export function FormTrouble(props: Omit<TroubleProps, 'retry'>) {
  const { problem } = props
  const { what, safe } = wordsFor(props)
  return (
    <div class="note" data-tone="bad" role="alert">
      <Icon name="warn" />
      <div>
        <b>{what}</b>
        {safe}
        {problem.detail && (
          <details class="more">
            <summary>{t('details')}</summary>
            <code class="code">
              {problem.host} · {problem.detail}
            </code>
          </details>
        )}
      </div>
    </div>
  )
}

export function signInPath(): string {
  const handle = me.peek()?.handle
  return handle ? `/sign-in?as=${encodeURIComponent(handle)}` : '/sign-in'
}
