/** `falaj receipt verify`: whether the receipt of a move is what the new host's key signed. */
import { readFileSync } from 'node:fs'
import { ConfigError, guardedFetch } from '#platform/runtime'
import { type SignedReceipt, verifyReceipt } from '#protocol/account'
import { type PublicKey, parseDidKey } from '#protocol/crypto'
import { identityOf, networkDirectory } from '#protocol/identity'
import { ProtocolError } from '#protocol/syntax'
import type { Fetch } from '#protocol/xrpc'
import { readFlags, readOrigin, requireFlags } from './flags.ts'
import { tell } from './terminal.ts'

const FLAGS = { plc: 'value', key: 'value', json: 'switch' } as const

/**
 * The key is the one given with `--key`, else the one the DID document names. 0 when the receipt
 * holds; throws when not, or when it tells of something missing.
 */
export async function runReceipt(args: readonly string[]): Promise<number> {
  const [verb, file, ...rest] = args
  if (verb !== 'verify' || !file || file.startsWith('-')) {
    throw new ConfigError(['usage: falaj receipt verify FILE [--plc URL | --key did:key:…]'])
  }
  const { flags } = readFlags(rest, FLAGS)
  const receipt = readReceipt(file)
  const key =
    typeof flags.key === 'string'
      ? parseDidKey(flags.key)
      : await currentKey(receipt, requireFlags(flags, ['plc']).plc)
  if (!verifyReceipt(receipt, key)) {
    throw new ProtocolError('InvalidSignature', `${file} was not signed by ${key.didKey}`)
  }
  const { handle, from, to, records, blobs, missingBlobs } = receipt
  const missing = missingBlobs.length === 0 ? 'nothing missing' : `${missingBlobs.length} missing`
  const text = `The receipt holds: ${handle} moved from ${from} to ${to}, ${records} records, ${blobs} blobs, ${missing}\n`
  return tell(flags, { valid: true, signedBy: key.didKey, receipt }, text)
}

/** A receipt as it was saved, alone or as the whole answer of `app.falaj.move.get`. */
function readReceipt(file: string): SignedReceipt {
  try {
    const read = JSON.parse(readFileSync(file, 'utf8'))
    const receipt = read.move?.receipt ?? read.receipt ?? read
    if (typeof receipt.sig === 'string' && typeof receipt.did === 'string') return receipt
  } catch {
    // told below
  }
  throw new ConfigError([`${file} is not a receipt`])
}

async function currentKey({ did }: SignedReceipt, plc: string): Promise<PublicKey> {
  const network = guardedFetch({ allowPrivate: true })
  try {
    const plcUrl = readOrigin('plc', plc)
    const fetch = network.fetch as Fetch
    const directory = networkDirectory({
      fetch,
      plcUrl,
      resolveTxt: async () => [],
      allowHttp: true,
    })
    const document = await directory.document(did)
    const key = document && identityOf(document).signingKey
    if (key) return parseDidKey(key)
    throw new ProtocolError('NotFound', `${did} names no key`)
  } finally {
    await network.close()
  }
}
