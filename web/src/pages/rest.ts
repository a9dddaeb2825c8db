/**
 * What is shown after the first page, as one file that is fetched once. A file for each of them would
 * break what the first page needs into dozens of pieces, one for each set of pages that share it.
 */
export { adoptLabelers } from '../data/labelers.ts'
export { Asked } from '../parts/asked.tsx'
export { ComposerDialog } from '../parts/composer.tsx'
export { EditProfile } from '../parts/edit-profile.tsx'
export { Feeds } from './feeds.tsx'
export { LabelerPage } from './labeler.tsx'
export { PeopleAround, Reactions } from './people-lists.tsx'
export { Quiet } from './quiet.tsx'
export { Search } from './search.tsx'
export { ServicePage } from './service.tsx'
export { Settings } from './settings.tsx'
export { SignIn } from './sign-in.tsx'
export { SignUp } from './sign-up.tsx'
export { Standing } from './standing.tsx'
