import { type ConfigOf, config, list, url, urlAndDid } from '#platform/runtime'
import { directoriesOf } from '../directories.ts'
import { type Peers, type ServicePart, UsageError } from '../part.ts'

const webConfig = config('web', {
  plc: list(url({}), {
    default: [],
    help: 'Identity directories; the client asks the first.',
  }),
  pdsHosts: list(url({}), {
    default: [],
    help: 'Hosts offered for signing up and in.',
  }),
  appview: urlAndDid({ help: 'App view the client shows, as URL#DID.' }),
  relay: url({ help: 'Relay the client shows the health of.' }),
  jetstream: url({ help: 'Jetstream the client follows events on.' }),
  search: url({ help: 'Search service the client shows the health of.' }),
  feeds: urlAndDid({ help: 'Feeds the client offers, as URL#DID.' }),
  moderation: urlAndDid({ help: 'Moderators whose labels the client asks for, as URL#DID.' }),
})

type WebConfig = ConfigOf<typeof webConfig>

/** The people's client: files, and /config.json that says which services they talk to. */
export const webPart: ServicePart<WebConfig> = {
  kind: 'web',
  defaultPort: 2580,
  load: async () => ({
    table: webConfig,
    wire(values, _place, { peers }) {
      const wired = {
        plc: directoriesOf(values, peers),
        pdsHosts: values.pdsHosts.length > 0 ? values.pdsHosts : peers.urls('pds'),
        appview: values.appview,
        relay: values.relay ?? peers.url('relay'),
        jetstream: values.jetstream ?? peers.url('jetstream'),
        search: values.search ?? peers.url('search'),
        feeds: values.feeds,
        moderation: values.moderation,
      }
      if (wired.plc.length === 0)
        throw new UsageError('falaj web needs a directory: give --plc URL')
      return wired
    },
    async start(values, place, { dev, peers, version }) {
      const [{ buildWebIfStale, webFolder }, { createWeb }] = await Promise.all([
        import('../web/build-web.ts'),
        import('../web/web.ts'),
      ])
      await buildWebIfStale((line) => place.log.info(line))
      const config = () => publicConfig(values, peers)
      return { service: createWeb({ folder: webFolder, config, dev, version }) }
    },
  }),
}

/** The feeds of this process, or those the operator named. */
function feedsOf(values: WebConfig, peers: Peers): unknown {
  const entry = peers.started().find(({ kind }) => kind === 'feeds')
  if (values.feeds ?? !entry) return values.feeds
  return { url: entry.url, did: entry.did, uris: entry.about.uris }
}

/** The moderation of this process, or the operator's choice: where it is, and who its labels are by. */
function moderationOf(values: WebConfig, peers: Peers): unknown {
  if (values.moderation) return values.moderation
  const entry = peers.started().find(({ kind }) => kind === 'moderation')
  return entry && { url: entry.url, did: entry.did }
}

/** What the client needs to know of the network. Only public addresses; no secret passes here. */
function publicConfig(values: WebConfig, peers: Peers): Record<string, unknown> {
  const ours = new Map(peers.started().map((entry) => [entry.url, entry]))
  return {
    plc: values.plc[0],
    pds: values.pdsHosts.map((host) => ({ url: host, ...ours.get(host)?.about })),
    appview: values.appview ?? peers.named('appview'),
    relay: values.relay && { url: values.relay },
    jetstream: values.jetstream && { url: values.jetstream },
    search: values.search && { url: values.search },
    feeds: feedsOf(values, peers),
    moderation: moderationOf(values, peers),
  }
}
