/** What a finished move can show. */
import { save } from '../data/holdings.ts'
import type { MoveReceipt } from '../data/move.ts'
import { hostOf } from '../data/xrpc.ts'
import { bytes, moment, number, rich, seconds, t } from '../words/index.ts'
import { MovingPicture } from './moving.tsx'
import { Handle } from './person.tsx'

export function Receipt({ receipt, onClose }: { receipt: MoveReceipt; onClose: () => void }) {
  const { from, to, handle, sameRoot, missingBlobs, startedMs, finishedMs } = receipt
  const file = () => new Blob([JSON.stringify(receipt, null, 2)], { type: 'application/json' })
  return (
    <>
      <MovingPicture from={from} to={to} filled={1} flowing={false} moved />
      <section class="receipt" aria-labelledby="receipt">
        <h2 id="receipt">{rich('receipt.title', { host: <bdi dir="ltr">{hostOf(to)}</bdi> })}</h2>
        <p class="soft">
          {t(sameRoot && missingBlobs.length === 0 ? 'receipt.whole' : 'receipt.partly')}
        </p>
        <dl>
          <dt>{t('receipt.name')}</dt>
          <dd>
            <Handle handle={handle} />
          </dd>
          <dt>{t('receipt.records')}</dt>
          <dd>{number(receipt.records)}</dd>
          <dt>{t('receipt.media')}</dt>
          <dd>
            {number(receipt.blobs)}
            {missingBlobs.length > 0 && (
              <span class="quiet"> · {t('receipt.missing', { n: missingBlobs.length })}</span>
            )}
          </dd>
          <dt>{t('receipt.took')}</dt>
          <dd>{seconds(finishedMs - startedMs)}</dd>
          <dt>{t('receipt.when')}</dt>
          <dd>{moment(finishedMs)}</dd>
        </dl>
        <details class="more section">
          <summary>{t('receipt.proof')}</summary>
          <code class="code pre">{JSON.stringify(receipt, null, 1)}</code>
        </details>
        <div class="row wrap section">
          <a class="button" href="/">
            {t('receipt.home')}
          </a>
          <button
            type="button"
            class="button ghost"
            onClick={() => save(file(), `${handle}-receipt.json`)}
          >
            {t('receipt.save')} <span class="quiet small">{bytes(file().size)}</span>
          </button>
        </div>
      </section>
      <p class="small soft section">
        {rich('receipt.back', { host: <bdi dir="ltr">{hostOf(from)}</bdi> })}{' '}
        <a href={`/data/move?to=${encodeURIComponent(from)}`} onClick={onClose}>
          {t('receipt.goBack')}
        </a>
      </p>
    </>
  )
}
