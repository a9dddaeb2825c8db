/** What an operator may set of the feeds. */
import { type ConfigOf, config, integer, list, text, url } from '#platform/runtime'

export const feedsConfig = config('feeds', {
  plc: list(url({}), {
    default: [],
    help: 'The directory of identities; several are asked in this order, the first takes new ones.',
  }),
  jetstream: url({ help: 'The jetstream whose events the feeds are made of.' }),
  accountHost: url({
    flag: 'feeds-account-host',
    help: 'The host of the account that publishes the feeds.',
  }),
  account: text({
    flag: 'feeds-account',
    help: 'Handle of the account that publishes the feeds; made at the host if it is not there.',
  }),
  accountPassword: text({
    flag: 'feeds-account-password',
    secret: true,
    help: 'Its password. Made and kept when the account is made here.',
  }),
  retentionDays: integer({
    flag: 'feeds-retention-days',
    default: 7,
    min: 1,
    unit: 'days',
    help: 'How long posts and likes stay in the feeds.',
  }),
})

export type FeedsConfig = ConfigOf<typeof feedsConfig>
