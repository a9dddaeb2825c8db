/** A rotation signer for tests: its key in hex, then how it behaves. */
import { createInterface } from 'node:readline'
import { base64url, fromBase64url, fromHex, importKey } from '#protocol/crypto'

const [keyHex, behaviour] = process.argv.slice(2)
const key = importKey('k256', fromHex(keyHex!))

createInterface({ input: process.stdin }).on('line', (line) => {
  const [question, text] = line.split(' ')
  if (behaviour === 'refuses') console.log('error the vault is sealed')
  else if (question === 'key') console.log(key.publicKey.didKey)
  else if (behaviour === 'ends') process.exit(1)
  else {
    const message = behaviour === 'signs' ? new Uint8Array(1) : fromBase64url(text!)
    console.log(base64url(key.sign(message)))
  }
})
