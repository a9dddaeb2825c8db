/** What moderators decided about oneself, why, and asking them to look again. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import {
  type Decided,
  decisions,
  markDecisionsSeen,
  ownWords,
  readDecisions,
  subjectOf,
} from '../data/decisions.ts'
import { type Problem, problemOf } from '../data/problem.ts'
import { me } from '../data/session.ts'
import { rkeyOf } from '../data/views.ts'
import { asking } from '../parts/asking.ts'
import { Icon } from '../parts/icon.tsx'
import { LabelerName, labelName } from '../parts/labels.tsx'
import { Head } from '../parts/page.tsx'
import { Isolated } from '../parts/post-text.tsx'
import { Empty, PeopleBones, Trouble } from '../parts/states.tsx'
import { Ago } from '../parts/time.tsx'
import { moment, t } from '../words/index.ts'

export function Standing() {
  const problem = useSignal<Problem | undefined>(undefined)
  const load = () => {
    problem.value = undefined
    readDecisions().then(markDecisionsSeen, (error) => {
      problem.value = problemOf(error)
    })
  }
  useEffect(load, [])
  const list = decisions()
  return (
    <>
      <Head title={t('standing.title')} up="/settings" />
      <div class="body">
        <p class="lead">{t('standing.lead')}</p>
        {problem.value ? (
          <Trouble
            problem={problem.value}
            retry={load}
            side="moderation"
            what={t('moderators.silent')}
            safe={t('standing.silentText')}
          />
        ) : (
          !list && <PeopleBones count={2} />
        )}
        {list?.length === 0 && !problem.value && (
          <Empty title={t('standing.none')}>{t('standing.noneText')}</Empty>
        )}
        {list && list.length > 0 && (
          <ul class="decisions">
            {list.map((one) => (
              <Decision key={`${one.by.did} ${one.subject}`} decided={one} />
            ))}
          </ul>
        )}
      </div>
    </>
  )
}

function Decision({ decided }: { decided: Decided }) {
  const { subject, labels, takendown, until, reason, decidedAt, by } = decided
  const words = useSignal<string | undefined>(undefined)
  const account = subject.startsWith('did:')
  useEffect(() => {
    if (account) return
    ownWords(subject).then(
      (text) => {
        words.value = text
      },
      () => {},
    )
  }, [subject])
  const post = subject.includes('/app.bsky.feed.post/')
  return (
    <li class="decision">
      <h2>{t(account ? 'standing.account' : post ? 'standing.post' : 'standing.record')}</h2>
      {words.value && (
        <a class="answered" href={`/profile/${me.value?.did}/post/${rkeyOf(subject)}`} dir="auto">
          <Isolated text={words.value} />
        </a>
      )}
      <ul class="marks">
        {takendown && (
          <li class="pill" data-tone="bad">
            {t('standing.down')}
          </li>
        )}
        {labels.map((val) => (
          <li class="pill" data-tone="warm" key={val}>
            <span dir="auto">{labelName({ src: by.did, val })}</span>
          </li>
        ))}
      </ul>
      {until && <p class="soft">{t('standing.until', { when: moment(Date.parse(until)) })}</p>}
      {reason && (
        <blockquote class="soft" dir="auto">
          {reason}
        </blockquote>
      )}
      <p class="small quiet opening">
        <LabelerName did={by.did} /> · <Ago at={decidedAt} />
      </p>
      <AppealState decided={decided} />
    </li>
  )
}

/** Whether they were asked to look again, and asking them. */
function AppealState({ decided }: { decided: Decided }) {
  const { appeal, by } = decided
  const subject = subjectOf(decided)
  if (appeal === 'waiting') {
    return (
      <p class="note">
        <Icon name="info" />
        <span>{t('appeal.waiting')}</span>
      </p>
    )
  }
  return (
    <>
      {appeal === 'answered' && <p class="soft">{t('appeal.answered')}</p>}
      {subject && (
        <button
          type="button"
          class="button ghost small"
          onClick={() => {
            asking.value = { kind: 'appeal', subject, to: by }
          }}
        >
          {t('appeal.do')}
        </button>
      )}
    </>
  )
}
