/** The key that changes identities made by a host, from where its operator keeps it. */
import { readFileSync } from 'node:fs'
import { type LineProcess, type Log, lineProcess } from '#platform/runtime'
import { base64url, fromBase64url, fromHex, importKey, parseDidKey } from '#protocol/crypto'
import { type PlcSigner, UpstreamError } from '#protocol/identity'
import { UsageError } from './part.ts'

/** A signer that asks a person or a far machine may take its time; a host must not wait for ever. */
const SIGNER_TIMEOUT_MS = 10_000

export interface RotationKeySettings {
  rotationKeyHex: string | undefined
  rotationKeyFile: string | undefined
  rotationSigner: string | undefined
}

export interface OpenedRotationKey {
  /** Undefined when the operator named none: the host makes its own. */
  signer: PlcSigner | undefined
  close(): Promise<void>
}

/**
 * Opens the one that is given. Throws UsageError when several are, or when what is given holds no
 * key; UpstreamError when the signing process does not say who it is.
 */
export async function openRotationKey(
  settings: RotationKeySettings,
  log: Log,
): Promise<OpenedRotationKey> {
  const { rotationKeyHex, rotationKeyFile, rotationSigner } = settings
  const given = [rotationKeyHex, rotationKeyFile, rotationSigner].filter((one) => one !== undefined)
  if (given.length > 1) {
    throw new UsageError('the rotation key is given twice: as hex, as a file or as a signer')
  }
  if (rotationSigner !== undefined) return await askSigner(rotationSigner, log)
  const text = rotationKeyFile === undefined ? rotationKeyHex : readKeyFile(rotationKeyFile)
  return { signer: text === undefined ? undefined : keyOf(text), async close() {} }
}

function readKeyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new UsageError(`the rotation key cannot be read: ${(error as Error).message}`)
  }
}

function keyOf(text: string): PlcSigner {
  try {
    if (/^[0-9a-f]{64}$/i.test(text)) return importKey('k256', fromHex(text))
  } catch {
    // Not a number below the curve's order: told below, without the number.
  }
  throw new UsageError('the rotation key is not a K-256 key of 64 hex digits')
}

/**
 * The signer's protocol, two lines: asked `key` it answers a did:key, asked `sign` and the base64url
 * of a message it answers the base64url of the 64 bytes r and s over its SHA-256, s in the lower half.
 * `error` and a reason in place of either is a refusal.
 */
async function askSigner(command: string, log: Log): Promise<OpenedRotationKey> {
  const process = lineProcess({
    command: command.split(/\s+/).filter((word) => word !== ''),
    timeoutMs: SIGNER_TIMEOUT_MS,
    onComplaint: (line) => log.warn('the rotation signer complains', { line }),
  })
  try {
    const publicKey = parseDidKey(await answerOf(process, 'key'))
    const signer: PlcSigner = {
      publicKey,
      async sign(message) {
        const answer = await answerOf(process, `sign ${base64url(message)}`)
        const signature = bytesOf(answer)
        if (!signature || !publicKey.verify(message, signature)) {
          throw unusable('its signature is not one of the key it named')
        }
        return signature
      },
    }
    return { signer, close: () => process.close() }
  } catch (error) {
    await process.close()
    throw error
  }
}

async function answerOf(process: LineProcess, question: string): Promise<string> {
  let answer: string
  try {
    answer = await process.ask(question)
  } catch (error) {
    throw unusable((error as Error).message, error)
  }
  if (/^error\b/.test(answer)) throw unusable(answer.slice(0, 200))
  return answer.trim()
}

function bytesOf(text: string): Uint8Array | undefined {
  try {
    return fromBase64url(text)
  } catch {
    return undefined
  }
}

const unusable = (what: string, cause?: unknown) =>
  new UpstreamError('UpstreamFailure', 'the rotation signer', `The rotation signer: ${what}`, {
    cause,
  })
