import { type Directory, identityOf } from '#protocol/identity'
import { type Did, isDid } from '#protocol/syntax'
import { invalidRequest } from '#protocol/xrpc'

/** A service and where it is. */
export interface ProxyTarget {
  did: Did
  url: string
}

type ServiceName = 'appview' | 'chat' | 'feeds' | 'moderation' | 'reports'

/** The services this host is set up with, each asked at every call: it may start later. */
export type Services = Readonly<Record<ServiceName, () => ProxyTarget | undefined>>

/**
 * Where a method goes that names no service, by the first beginning that fits; of several services
 * to the first that is set up. A method's name is not told apart by the case of its letters.
 */
const DEFAULTS: readonly [beginning: string, ...ServiceName[]][] = [
  ['com.atproto.moderation.createreport', 'reports', 'moderation'],
  ['com.atproto.moderation.', 'moderation'],
  ['app.falaj.moderation.', 'moderation'],
  ['app.falaj.appview.', 'appview'],
  ['tools.ozone.', 'moderation'],
  ['chat.bsky.', 'chat'],
  ['app.bsky.feed.getfeedskeleton', 'feeds', 'appview'],
  ['app.bsky.feed.describefeedgenerator', 'feeds', 'appview'],
  ['app.bsky.', 'appview'],
  ['com.atproto.label.', 'appview'],
]

/** What the services are called in DID documents. */
const SERVICE_IDS: Readonly<Record<string, readonly ServiceName[]>> = {
  bsky_appview: ['appview'],
  bsky_chat: ['chat'],
  bsky_fg: ['feeds'],
  atproto_labeler: ['moderation', 'reports'],
}

/** Finds the service that a call is for. */
export class Targets {
  readonly #services: Services
  readonly #directory: Directory
  readonly #allowHttp: boolean

  constructor(options: { services: Services; directory: Directory; allowHttp: boolean }) {
    this.#services = options.services
    this.#directory = options.directory
    this.#allowHttp = options.allowHttp
  }

  get appview(): ProxyTarget | undefined {
    return this.#services.appview()
  }

  /** Whether the header names the app view this host is set up with, or there is none. */
  isOwnView(header: string): boolean {
    const { appview } = this
    return !appview || header.trim() === `${appview.did}#bsky_appview`
  }

  /** For a method that names no service. */
  byMethod(nsid: string): ProxyTarget | undefined {
    return this.#first(servicesFor(nsid))
  }

  /** The service of such a method, as `did:web:view.example#bsky_appview`. */
  reference(nsid: string): string | undefined {
    const services = servicesFor(nsid)
    const target = this.#first(services)
    const id = Object.keys(SERVICE_IDS).find((one) => SERVICE_IDS[one]!.includes(services[0]!))
    return target && id && `${target.did}#${id}`
  }

  #first(services: readonly ServiceName[]): ProxyTarget | undefined {
    for (const service of services) {
      const target = this.#services[service]()
      if (target) return target
    }
    return undefined
  }

  /**
   * The service that an `atproto-proxy` header names, as `did:web:view.example#bsky_appview`.
   * Throws InvalidRequest; UpstreamFailure when nobody could say.
   */
  async byHeader(header: string): Promise<ProxyTarget> {
    const [did, id, ...rest] = header.trim().split('#')
    if (!isDid(did) || !id || rest.length > 0 || /\s/.test(header.trim())) {
      throw invalidRequest('atproto-proxy must be a DID with a service id')
    }
    for (const service of SERVICE_IDS[id] ?? []) {
      const known = this.#services[service]()
      if (known?.did === did) return known
    }
    return this.byDid(did, id)
  }

  /** A service by its entry in a DID document. Throws InvalidRequest. */
  async byDid(did: Did, id: string): Promise<ProxyTarget> {
    const document = await this.#directory.document(did)
    if (!document) throw invalidRequest(`Could not resolve ${did}`)
    const url = identityOf(document).service(id)
    // The token in the call is as good as a password for as long as it lives.
    if (!url || (url.startsWith('http:') && !this.#allowHttp)) {
      throw invalidRequest(`No service ${id} at ${did}`)
    }
    return { did, url }
  }
}

function servicesFor(nsid: string): readonly ServiceName[] {
  const name = nsid.toLowerCase()
  const [, ...services] = DEFAULTS.find(([beginning]) => name.startsWith(beginning)) ?? ['']
  return services
}
