import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { silentLog } from '#platform/runtime'
import { generateKey, hex } from '#protocol/crypto'
import { UsageError } from './part.ts'
import { openRotationKey, type RotationKeySettings } from './rotation-key.ts'

const key = generateKey('k256')
const keyHex = hex(key.export())
const message = new TextEncoder().encode('a change of an identity')
const nothing = { rotationKeyHex: undefined, rotationKeyFile: undefined, rotationSigner: undefined }

const open = (settings: Partial<RotationKeySettings>) =>
  openRotationKey({ ...nothing, ...settings }, silentLog)
const child = fileURLToPath(new URL('signer.child.ts', import.meta.url))
const signer = (behaviour = '') => `${process.execPath} ${child} ${keyHex} ${behaviour}`

async function signs(settings: Partial<RotationKeySettings>): Promise<void> {
  const opened = await open(settings)
  try {
    assert.equal(opened.signer?.publicKey.didKey, key.publicKey.didKey)
    assert.ok(key.publicKey.verify(message, await opened.signer!.sign(message)))
  } finally {
    await opened.close()
  }
}

describe('the rotation key', () => {
  test('is left to the host when nothing is given', async () => {
    assert.equal((await open({})).signer, undefined)
  })

  test('may be given as hex', () => signs({ rotationKeyHex: keyHex }))

  test('may be in a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'falaj-key-'))
    const path = join(folder, 'key')
    writeFileSync(path, `${keyHex}\n`)
    await signs({ rotationKeyFile: path })
    rmSync(folder, { recursive: true })
  })

  test('may be with a process that signs', () => signs({ rotationSigner: signer() }))

  test('is given once, and is a key; the message never repeats it', async () => {
    const mistakes: Partial<RotationKeySettings>[] = [
      { rotationKeyHex: keyHex, rotationSigner: signer() },
      { rotationKeyHex: 'abcdef' },
      { rotationKeyHex: 'f'.repeat(64) },
      { rotationKeyFile: join(tmpdir(), 'there is no such file') },
    ]
    for (const mistake of mistakes) {
      await assert.rejects(open(mistake), (error: Error) => {
        assert.ok(error instanceof UsageError)
        assert.doesNotMatch(error.message, /abcdef|ffff/)
        return true
      })
    }
  })

  test('a signer that refuses to say who it is cannot be opened', async () => {
    await assert.rejects(open({ rotationSigner: signer('refuses') }), {
      code: 'UpstreamFailure',
      message: /the vault is sealed/,
    })
  })

  test('a signature of something else, or none, is never used', async () => {
    for (const behaviour of ['signs something else', 'ends']) {
      const opened = await open({ rotationSigner: signer(behaviour) })
      const signing = Promise.resolve(opened.signer!.sign(message))
      await assert.rejects(signing, { code: 'UpstreamFailure' }, behaviour)
      await opened.close()
    }
  })
})
