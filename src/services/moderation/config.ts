/** What an operator may set of a moderation service. */
import { type ConfigOf, config, integer, list, text, url } from '#platform/runtime'

export const moderationConfig = config('moderation', {
  plc: list(url({}), {
    default: [],
    help: 'The directory of identities; several are asked in this order, the first takes new ones.',
  }),
  adminPassword: text({
    secret: true,
    help: 'Password of the operator (HTTP Basic, user admin): for its page and its methods.',
  }),
  moderators: list(text({ required: true, help: '' }), {
    default: [],
    help: 'DIDs of accounts that may decide, signed in at their own host.',
  }),
  pdsAdmin: list(text({ required: true, help: '', secret: true }), {
    default: [],
    help: 'Hosts that carry out what is taken down, each as URL#PASSWORD of its admin.',
  }),
  reportsPerHour: integer({ default: 100, min: 1, help: 'Reports one account may make.' }),
})

export type ModerationConfig = ConfigOf<typeof moderationConfig>
