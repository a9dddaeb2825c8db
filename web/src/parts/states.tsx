/** What a page shows before it has something, when it has nothing, and when something went wrong. */
import type { ComponentChildren } from 'preact'
import type { Problem } from '../data/problem.ts'
import { me } from '../data/session.ts'
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
  /** What happened and what is safe, where a page can say it better. */
  what?: string
  safe?: string
}

/** What happened, what is safe, what to do; the service's own words under the fold. */
export function Trouble({ problem, retry, what, safe }: TroubleProps) {
  const { kind, detail, host } = problem
  const where = host || t('problem.somewhere')
  return (
    <div class="state" role="alert">
      {kind === 'absent' ? <SourceScene /> : <DryScene />}
      <h2>{what ?? t(`problem.${kind}.what`)}</h2>
      <p>{safe ?? t(`problem.${kind}.safe`)}</p>
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
export function SmallTrouble({ problem, retry }: TroubleProps) {
  return (
    <div class="end" role="alert">
      {t(`problem.${problem.kind}.what`)}{' '}
      {retry && (
        <button type="button" class="link-button" onClick={retry}>
          {t('retry')}
        </button>
      )}
    </div>
  )
}

/** A problem inside a form, beside the button that ran into it. */
export function FormTrouble({ problem, what, safe }: Omit<TroubleProps, 'retry'>) {
  return (
    <div class="note" data-tone="bad" role="alert">
      <Icon name="warn" />
      <div>
        <b>{what ?? t(`problem.${problem.kind}.what`)}</b>
        {safe ?? t(`problem.${problem.kind}.safe`)}
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
