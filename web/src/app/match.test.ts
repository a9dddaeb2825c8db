import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { matchPath } from './match.ts'

describe('paths', () => {
  it('match part by part', () => {
    assert.deepEqual(matchPath('/', '/'), {})
    assert.deepEqual(matchPath('/settings', '/settings/'), {})
    assert.deepEqual(matchPath('/profile/:actor', '/profile/sara.test'), { actor: 'sara.test' })
    assert.deepEqual(matchPath('/profile/:actor/post/:rkey', '/profile/did:plc:x/post/3k'), {
      actor: 'did:plc:x',
      rkey: '3k',
    })
  })

  it('do not match others', () => {
    assert.equal(matchPath('/', '/x'), undefined)
    assert.equal(matchPath('/profile/:actor', '/profile'), undefined)
    assert.equal(matchPath('/profile/:actor', '/profile/a/b'), undefined)
    assert.equal(matchPath('/settings', '/Settings'), undefined)
  })

  it('are decoded, and survive what cannot be', () => {
    assert.deepEqual(matchPath('/profile/:actor', '/profile/did%3Aplc%3Ax'), { actor: 'did:plc:x' })
    assert.deepEqual(matchPath('/profile/:actor', '/profile/%E0%A4%A'), { actor: '%E0%A4%A' })
  })
})
