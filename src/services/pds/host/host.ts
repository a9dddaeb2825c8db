import type { Fetch, Sealer } from '#platform/runtime'
import { fromHex, hex, importKey } from '#protocol/crypto'
import { keptServiceIdentity, type PlcSigner, type PlcUrls } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import type { Settings } from '../accounts/index.ts'

/** What this host is called and allows. */
export interface Host {
  did: Did
  publicUrl: string
  /** Suffixes of the handles it issues, each with its leading dot. */
  handleDomains: readonly string[]
  version: string
  /** Bytes of the largest blob. */
  blobBytesMax: number
  /** Repositories that accounts bring. */
  imports: { accepted: boolean; bytesMax: number }
  /** Addresses of the operator's documents. */
  links: { privacyPolicy: string | undefined; termsOfService: string | undefined }
  contactEmail: string | undefined
}

export interface HostSecrets {
  /** Signs session tokens. */
  sessionSecret: Uint8Array
  /** Signs changes of the identities made here. */
  rotationKey: PlcSigner
}

const K256_ORDER_TOP = 0xff

/** Reads the host's secrets, making and keeping them, sealed, on the first start. */
export async function loadSecrets(options: {
  settings: Settings
  sealer: Sealer
  random: (byteCount: number) => Uint8Array
  /** What the operator keeps elsewhere; made and kept here without it. */
  rotationKey: PlcSigner | undefined
}): Promise<HostSecrets> {
  const { settings, sealer, random } = options
  const read = async (name: string, make: () => Uint8Array) => {
    const kept = await settings.get<string>(name)
    if (kept) return sealer.open(fromHex(kept), name)
    const made = make()
    await settings.set(name, hex(sealer.seal(made, name)))
    return made
  }
  const own = async () =>
    importKey('k256', await read('plc-rotation-key', () => randomKeyBytes(random)))
  return {
    sessionSecret: await read('session-secret', () => random(32)),
    rotationKey: options.rotationKey ?? (await own()),
  }
}

/** 32 bytes that are surely below the curve's order. */
function randomKeyBytes(random: (byteCount: number) => Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(random(32))
  if (bytes[0] === K256_ORDER_TOP) bytes[0] = 1
  if (bytes[0] === 0) bytes[0] = 1
  return bytes
}

const IDENTITY = 'identity'

/**
 * The host's own DID: did:web by its name, or a did:plc that it keeps up to date itself. On later
 * starts the directory need not answer: the document is checked in the background.
 */
export async function loadHostDid(options: {
  publicUrl: string
  didWeb: boolean
  plcUrl: PlcUrls
  settings: Settings
  sealer: Sealer
  fetch: Fetch
  random: (byteCount: number) => Uint8Array
}): Promise<{ did: Did; refresh: () => Promise<void> }> {
  const { publicUrl, plcUrl, settings, sealer, fetch, random } = options
  if (options.didWeb) {
    const host = encodeURIComponent(new URL(publicUrl).host)
    return { did: `did:web:${host}` as Did, refresh: async () => {} }
  }
  return keptServiceIdentity({
    plcUrl,
    fetch,
    random,
    endpoint: publicUrl,
    serviceId: '#atproto_pds',
    serviceType: 'AtprotoPersonalDataServer',
    async read() {
      const kept = await settings.get<string>(IDENTITY)
      return kept === undefined ? undefined : sealer.open(fromHex(kept), IDENTITY)
    },
    write: (bytes) => settings.set(IDENTITY, hex(sealer.seal(bytes, IDENTITY))),
  })
}
