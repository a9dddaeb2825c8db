/** Moving to another host. */

import { Head } from '../parts/page.tsx'
import { t } from '../words/index.ts'

export function MovePage() {
  return <Head title={t('move.title')} up="/data" />
}
