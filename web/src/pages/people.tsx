/** Finding people: by their name, or among those who live here. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { loadNeighbours, neighbours } from '../data/neighbours.ts'
import { type Problem, problemOf } from '../data/problem.ts'
import { me } from '../data/session.ts'
import { Head } from '../parts/page.tsx'
import { PersonRow } from '../parts/person.tsx'
import { SearchBox } from '../parts/search-box.tsx'
import { Empty, PeopleBones, Trouble } from '../parts/states.tsx'
import { t } from '../words/index.ts'

export function People() {
  return (
    <>
      <Head title={t('nav.people')} />
      <div class="find-box">
        <SearchBox />
      </div>
      <PeopleHere />
    </>
  )
}

/** Those who have accounts at the hosts of this network. */
export function PeopleHere() {
  const problem = useSignal<Problem | undefined>(undefined)
  const load = () => {
    problem.value = undefined
    loadNeighbours().catch((error) => {
      problem.value = problemOf(error)
    })
  }
  useEffect(load, [])
  const list = neighbours.value?.filter(({ did }) => did !== me.value?.did)
  return (
    <>
      {problem.value && !list && <Trouble problem={problem.value} retry={load} />}
      {!problem.value && !list && <PeopleBones />}
      {list && list.length === 0 && <Empty title={t('people.none')}>{t('people.noneText')}</Empty>}
      {list && list.length > 0 && (
        <section aria-labelledby="here">
          <h2 class="sr" id="here">
            {t('people.here')}
          </h2>
          <ul class="people">
            {list.map((person) => (
              <PersonRow key={person.did} person={person} bio />
            ))}
          </ul>
        </section>
      )}
    </>
  )
}
