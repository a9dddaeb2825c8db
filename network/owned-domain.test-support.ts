/** A domain of somebody's own on this machine, with the document of its did:web. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { PlcCredentials } from '#protocol/identity'
import type { Did } from '#protocol/syntax'

export class OwnedDomain {
  readonly #server: Server
  did = '' as Did
  document: Record<string, unknown> = {}
  /** Nobody answers there. */
  isAway = false

  constructor() {
    this.#server = createServer(({ url, socket }, response) => {
      if (this.isAway) {
        socket.destroy()
        return
      }
      const headers = { 'content-type': 'application/json', connection: 'close' }
      response.writeHead(url === '/.well-known/did.json' ? 200 : 404, headers)
      response.end(JSON.stringify(this.document))
    })
  }

  async open(): Promise<this> {
    this.#server.listen(0, 'localhost')
    await once(this.#server, 'listening')
    this.did = `did:web:localhost%3A${(this.#server.address() as AddressInfo).port}` as Did
    this.document = { '@context': ['https://www.w3.org/ns/did/v1'], id: this.did }
    return this
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  /** Its owner writes what a host asks for, and leaves the rest. */
  publish({ alsoKnownAs, verificationMethods, services }: PlcCredentials): void {
    const { did } = this
    const key = verificationMethods?.atproto?.slice('did:key:'.length)
    const { type, endpoint } = services!.atproto_pds!
    this.document = {
      ...this.document,
      ...(alsoKnownAs && { alsoKnownAs }),
      verificationMethod: [
        { id: `${did}#atproto`, type: 'Multikey', controller: did, publicKeyMultibase: key },
      ],
      service: [{ id: '#atproto_pds', type, serviceEndpoint: endpoint }],
    }
  }

  get pds(): string | undefined {
    const [service] = (this.document.service ?? []) as { serviceEndpoint: string }[]
    return service?.serviceEndpoint
  }

  get key(): string {
    const [method] = this.document.verificationMethod as { publicKeyMultibase: string }[]
    return `did:key:${method!.publicKeyMultibase}`
  }
}
