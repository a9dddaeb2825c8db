import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from '#protocol/syntax'
import * as node from './index.node.ts'
import * as browser from './index.ts'

interface Base {
  encode(bytes: Uint8Array): string
  decode(text: string): Uint8Array
  code: string
  /** As somebody else writes it. */
  reference?: (bytes: Uint8Array) => string
}

function basesOf(crypto: typeof browser): Record<string, Base> {
  return {
    base58btc: { encode: crypto.base58btc, decode: crypto.fromBase58btc, code: 'InvalidBase58' },
    base32: { encode: crypto.base32, decode: crypto.fromBase32, code: 'InvalidBase32' },
    base64url: {
      encode: crypto.base64url,
      decode: crypto.fromBase64url,
      code: 'InvalidBase64url',
      reference: (bytes) => Buffer.from(bytes).toString('base64url'),
    },
    hex: {
      encode: crypto.hex,
      decode: crypto.fromHex,
      code: 'InvalidHex',
      reference: (bytes) => Buffer.from(bytes).toString('hex'),
    },
  }
}

for (const [back, crypto] of Object.entries({ node, browser })) {
  for (const [name, base] of Object.entries(basesOf(crypto))) {
    test(`${back}: any bytes come back from ${name}`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 150 }), (bytes) => {
          const text = base.encode(bytes)
          const back = base.decode(text)
          assert.deepEqual(back, bytes)
          assert.equal(Object.getPrototypeOf(back), Uint8Array.prototype)
          if (base.reference !== undefined) assert.equal(text, base.reference(bytes))
        }),
      )
    })

    test(`${back}: text is refused by name, or is the one ${name} of its bytes`, () => {
      const text = fc.oneof(
        fc.string(),
        fc.string({ unit: 'binary' }),
        fc.string({ unit: fc.constantFrom(...'abcAZ0127-_+/=1lIO ') }),
      )
      fc.assert(
        fc.property(text, (text) => {
          let bytes: Uint8Array
          try {
            bytes = base.decode(text)
          } catch (error) {
            assert.ok(error instanceof ProtocolError && error.code === base.code)
            return
          }
          assert.equal(base.encode(bytes), name === 'hex' ? text.toLowerCase() : text)
        }),
      )
    })
  }

  test(`${back}: the bases write what their specifications show`, () => {
    const foobar = new TextEncoder().encode('foobar')
    assert.equal(crypto.base32(foobar.subarray(0, 4)), 'mzxw6yq')
    assert.equal(crypto.base32(foobar), 'mzxw6ytboi')
    assert.equal(crypto.base64url(Uint8Array.of(0xfb, 0xff)), '-_8')
    const hello = new TextEncoder().encode('Hello World!')
    assert.equal(crypto.base58btc(hello), '2NEpo7TZRRrLZSi2U')
    assert.equal(crypto.base58btc(Uint8Array.of(0, 0, 0x28, 0x7f, 0xb4, 0xcd)), '11233QC4')
    assert.equal(crypto.base58btc(new Uint8Array(3)), '111')
  })

  test(`${back}: padding, white space and bits without a byte are refused`, () => {
    for (const text of ['AQ==', 'A', 'AR', 'AQ\n', ' AQ', 'A+', 'A/', 'ÿÿ']) {
      assert.throws(() => crypto.fromBase64url(text), { code: 'InvalidBase64url' }, text)
    }
    for (const text of ['a', 'aa======', 'ab', 'AA', '1a', '8a']) {
      assert.throws(() => crypto.fromBase32(text), { code: 'InvalidBase32' }, text)
    }
    for (const text of ['0', 'O', 'I', 'l', ' 2', '2\u00002', 'ж']) {
      assert.throws(() => crypto.fromBase58btc(text), { code: 'InvalidBase58' }, text)
    }
    for (const text of ['0', '0g', '0x00', ' 00']) {
      assert.throws(() => crypto.fromHex(text), { code: 'InvalidHex' }, text)
    }
  })

  test(`${back}: base 58 has a limit, for its cost is the square of the length`, () => {
    assert.throws(() => crypto.base58btc(new Uint8Array(257)), { code: 'InvalidBase58' })
    assert.throws(() => crypto.fromBase58btc('1'.repeat(257)), { code: 'InvalidBase58' })
  })

  test(`${back}: a view into a larger array is encoded without its surroundings`, () => {
    const view = Uint8Array.of(9, 9, 1, 2, 3, 9).subarray(2, 5)
    assert.equal(crypto.base64url(view), 'AQID')
    assert.equal(crypto.hex(view), '010203')
  })
}
