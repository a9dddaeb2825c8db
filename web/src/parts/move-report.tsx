/** What the check before a move found: what is copied, what stays, what changes, what hinders. */
import type { ComponentChildren } from 'preact'
import type { Preflight } from '../data/move.ts'
import { hostOf } from '../data/xrpc.ts'
import { rich, t } from '../words/index.ts'
import { Icon } from './icon.tsx'
import { Handle } from './person.tsx'

export function MoveReport({ found }: { found: Preflight }) {
  const { handle, records, blobs, from, to, ownRotationKeys, otherServices, obstacles } = found
  if (obstacles.length > 0) {
    return (
      <section class="section" aria-labelledby="found">
        <h2 id="found">{t('move.cannot')}</h2>
        <ul class="checks">
          {obstacles.map((obstacle) => (
            <Line key={obstacle} tone="bad">
              <b>{t(`move.obstacle.${obstacle}`)}</b>
            </Line>
          ))}
        </ul>
      </section>
    )
  }
  return (
    <section class="section" aria-labelledby="found">
      <h2 id="found">{t('move.ready')}</h2>
      <ul class="checks">
        <Line>
          <b>{rich('move.keepsName', { handle: <Handle handle={handle} /> })}</b>
          <p>{t('move.keepsNameText')}</p>
        </Line>
        <Line>
          <b>
            {t('move.copies', { n: records })} {t('move.copiesMedia', { n: blobs })}
          </b>
          <p>{t('move.copiesText')}</p>
        </Line>
        {ownRotationKeys > 0 && (
          <Line>
            <b>{t('move.keys', { n: ownRotationKeys })}</b>
          </Line>
        )}
        {otherServices.length > 0 && (
          <Line>
            <b>{t('move.services', { n: otherServices.length })}</b>
          </Line>
        )}
        <Line tone="warm">
          <b>{rich('move.changesHost', { host: <bdi dir="ltr">{hostOf(to)}</bdi> })}</b>
          <p>{rich('move.changesHostText', { host: <bdi dir="ltr">{hostOf(from)}</bdi> })}</p>
        </Line>
      </ul>
    </section>
  )
}

interface LineProps {
  tone?: 'warm' | 'bad'
  children: ComponentChildren
}

function Line({ tone, children }: LineProps) {
  return (
    <li class="check-line" data-tone={tone}>
      <Icon name={tone === 'bad' ? 'warn' : tone === 'warm' ? 'info' : 'check'} />
      <div>{children}</div>
    </li>
  )
}
