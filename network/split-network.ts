/** The whole network, each service a process of its own, wired by flags alone. */
import { ServerProcess, temporaryFolder } from './rig.ts'

const NAMES = [
  'plc',
  'relay',
  'jetstream',
  'moderation',
  'appview',
  'search',
  'feeds',
  'pds1',
  'pds2',
] as const
export type NodeName = (typeof NAMES)[number]

/** People who never stop report more than people do. */
const MANY_REPORTS = ['--reports-per-hour', '100000']

/** Nine processes that find each other by address. Each can be killed and comes back where it was. */
export class SplitNetwork {
  readonly #folder = temporaryFolder()
  readonly #nodes = new Map<NodeName, ServerProcess>()
  readonly #urls = new Map<NodeName, string>()

  /** Starts all of it; those that need somebody's DID after those that have one. */
  static async start(): Promise<SplitNetwork> {
    const network = new SplitNetwork()
    try {
      await network.#startAll()
      return network
    } catch (error) {
      await network.close()
      throw error
    }
  }

  async #startAll(): Promise<void> {
    for (const name of NAMES) this.#urls.set(name, await this.#make(name).reserve())
    const plc = ['--plc', this.url('plc')]
    const hosts = ['--pds-hosts', `${this.url('pds1')},${this.url('pds2')}`]
    const admin = ['pds1', 'pds2'].map((host) => `${this.url(host as NodeName)}#admin-pass`)
    await this.#start('plc')
    await Promise.all([
      this.#start('relay', ...plc),
      this.#start('moderation', ...plc, '--pds-admin', admin.join(), ...MANY_REPORTS),
    ])
    const moderation = ['--moderation', this.named('moderation')]
    const search = ['--search', this.url('search')]
    await Promise.all([
      this.#start('appview', ...plc, ...hosts, ...moderation, ...search, ...this.#at('relay')),
      this.#start('jetstream', ...this.#at('relay')),
    ])
    const host = [...plc, ...hosts, ...moderation, '--appview', this.named('appview')]
    const crawlers = ['--crawlers', this.url('relay')]
    await Promise.all([
      this.#start('pds1', ...host, ...crawlers),
      this.#start('pds2', ...host, ...crawlers, '--handle-domains', '.two.test'),
    ])
    const account = ['--feeds-account-host', this.url('pds1')]
    await Promise.all([
      this.#start('search', ...plc, ...hosts, ...this.#at('jetstream')),
      this.#start('feeds', ...plc, ...account, ...this.#at('jetstream')),
    ])
  }

  /** Without flags yet: its port is picked before they are known. */
  #make(name: NodeName): ServerProcess {
    const command = name.startsWith('pds') ? 'pds' : name
    const node = new ServerProcess(command, '--dev', '--data', `${this.#folder.path}/${name}`)
    this.#nodes.set(name, node)
    return node
  }

  async #start(name: NodeName, ...flags: string[]): Promise<void> {
    await this.node(name)
      .with(...flags)
      .start()
  }

  #at(name: NodeName): string[] {
    return [`--${name}`, this.url(name)]
  }

  node(name: NodeName): ServerProcess {
    return this.#nodes.get(name)!
  }

  nodes(): Iterable<ServerProcess> {
    return this.#nodes.values()
  }

  url(name: NodeName): string {
    return this.#urls.get(name)!
  }

  /** As others are told of it: `URL#DID`. */
  named(name: NodeName): string {
    return `${this.url(name)}#${this.did(name)}`
  }

  did(name: NodeName): string {
    return this.node(name).place.did!
  }

  async close(): Promise<void> {
    for (const node of this.#nodes.values()) {
      node.thaw()
      await node.kill()
    }
    this.#folder.remove()
  }
}
