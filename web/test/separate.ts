/** The whole network with each service as a process of its own, so that each can be stopped alone. */
import { ServerProcess, temporaryFolder } from '../../network/rig.ts'

export type Name =
  | 'plc'
  | 'relay'
  | 'jetstream'
  | 'search'
  | 'moderation'
  | 'appview'
  | 'pds'
  | 'pds2'
  | 'feeds'
  | 'web'

export interface Separate {
  /** Where a service is; the same after it was stopped and started again. */
  url(name: Name): string
  /** No warning, no clean-up. */
  kill(name: Name): Promise<void>
  /** On the same data and at the same port. */
  start(name: Name): Promise<void>
  /** Ends all of it and removes its data. */
  end(): Promise<void>
}

/** Starts them in the order in which each needs the others; resolves when all are ready. */
export async function startSeparate(): Promise<Separate> {
  const folder = temporaryFolder()
  const nodes = {} as Record<Name, ServerProcess>
  // Flags that name services which were not there at the first start.
  const later: Partial<Record<Name, readonly string[]>> = {}
  const node = (name: Name, command: string, ...flags: string[]) => {
    nodes[name] = new ServerProcess(command, '--dev', '--data', `${folder.path}/${name}`, ...flags)
    return nodes[name].start()
  }
  const url = (name: Name) => nodes[name].url
  const named = (name: Name) => `${url(name)}#${nodes[name].place.did}`

  await node('plc', 'plc')
  const plc = ['--plc', url('plc')]
  await Promise.all([node('relay', 'relay', ...plc), node('moderation', 'moderation', ...plc)])
  await node('jetstream', 'jetstream', '--relay', url('relay'))
  await node('search', 'search', ...plc, '--jetstream', url('jetstream'))
  const moderation = ['--moderation', named('moderation')]
  const search = ['--search', url('search')]
  await node('appview', 'appview', ...plc, '--relay', url('relay'), ...search, ...moderation)
  const view = ['--appview', named('appview')]
  const host = [...plc, ...view, ...moderation, '--crawlers', url('relay')]
  await Promise.all([
    node('pds', 'pds', ...host),
    node('pds2', 'pds', ...host, '--handle-domains', '.two.test'),
  ])
  const hosts = ['--pds-hosts', `${url('pds')},${url('pds2')}`]
  // Handles of local domains are asked of the hosts: these two are told of them and started again.
  for (const name of ['appview', 'search'] as const) {
    later[name] = hosts
    await nodes[name].stop()
    await nodes[name].start(...hosts)
  }
  const account = ['--feeds-account-host', url('pds'), '--feeds-account', 'falaj-feeds.test']
  await node('feeds', 'feeds', ...plc, '--jetstream', url('jetstream'), ...account)
  const feeds = ['--feeds', named('feeds')]
  const relay = ['--relay', url('relay')]
  await node('web', 'web', ...plc, ...hosts, ...view, ...relay, ...search, ...feeds, ...moderation)

  return {
    url,
    kill: (name) => nodes[name].kill(),
    start: async (name) => void (await nodes[name].start(...(later[name] ?? []))),
    async end() {
      for (const one of Object.values(nodes)) await one.kill()
      folder.remove()
    },
  }
}
