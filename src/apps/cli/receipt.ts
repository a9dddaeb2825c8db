/** `falaj receipt verify`: whether the receipt of a move or a rescue is what the new host's key signed. */
import { readFileSync } from 'node:fs'
import { ConfigError, guardedFetch } from '#platform/runtime'
import {
  type SignedReceipt,
  type SignedRescue,
  type Unproven,
  verifyReceipt,
} from '#protocol/account'
import { type PublicKey, parseDidKey } from '#protocol/crypto'
import { identityOf, networkDirectory } from '#protocol/identity'
import { ProtocolError } from '#protocol/syntax'
import type { Fetch } from '#protocol/xrpc'
import { readFlags, readOrigin, requireFlags } from './flags.ts'
import { shown, tell } from './terminal.ts'

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
  const text = isRescue(receipt) ? describeRescue(receipt) : describeMove(receipt)
  return tell(flags, { valid: true, signedBy: key.didKey, receipt }, `The receipt holds: ${text}`)
}

type AnyReceipt = SignedReceipt | SignedRescue

const isRescue = (receipt: AnyReceipt): receipt is SignedRescue =>
  'kind' in receipt && receipt.kind === 'rescue'

function describeMove({ handle, from, to, records, blobs, missingBlobs }: SignedReceipt): string {
  const missing = missingBlobs.length === 0 ? 'nothing missing' : `${missingBlobs.length} missing`
  return `${shown(handle)} moved from ${shown(from)} to ${shown(to)}, ${records} records, ${blobs} blobs, ${missing}\n`
}

const WHY: Readonly<Record<Unproven, string>> = {
  'later-writes': 'that nothing was written after the copy',
  'no-copy': 'anything that was written: there was no copy',
  'copy-as-told': 'where the copy came from and of when it is: the owner’s program said so',
  'missing-blobs': 'the blobs that are missing',
  'private-state': 'all of what only the owner could read: something of it did not come back',
}

function describeRescue(receipt: SignedRescue): string {
  const { handle, to, records, blobs, missingBlobCount, copy, unproven } = receipt
  const from = copy
    ? `a ${shown(copy.kind)}${copy.source ? ` at ${shown(copy.source)}` : ''}`
    : 'no copy'
  const time = copy?.time ?? copy?.rev
  const why = unproven.map((one) => `  not proven: ${WHY[one] ?? shown(one)}\n`).join('')
  return `${shown(handle)} came back at ${shown(to)} from ${from}${time ? `, as of ${shown(time)}` : ''}, ${records} records, ${blobs} blobs, ${missingBlobCount} missing\n${why}`
}

/** A receipt as it was saved, alone or as the whole answer of `app.falaj.move.get`. */
function readReceipt(file: string): AnyReceipt {
  try {
    const read = JSON.parse(readFileSync(file, 'utf8'))
    const receipt = read.move?.receipt ?? read.receipt ?? read.signed ?? read
    if (typeof receipt.sig === 'string' && typeof receipt.did === 'string') return receipt
  } catch {
    // told below
  }
  throw new ConfigError([`${file} is not a receipt`])
}

async function currentKey({ did }: AnyReceipt, plc: string): Promise<PublicKey> {
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
