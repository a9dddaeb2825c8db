import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { XrpcError } from '#protocol/xrpc'
import { vectorPath } from '../../../network/vectors.ts'
import { Permissions, parsePermission, parsePermissionSet, scopesOfSet } from './index.ts'
import { parseScopeParts } from './scope-syntax.ts'

const folder = vectorPath('indigo/auth')
const skip = folder === undefined
const read = (file: string) => readFileSync(join(folder!, file), 'utf8')
const lines = (file: string) =>
  read(file)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('# '))

test('scopes of the general form are taken apart as the vectors say', { skip }, () => {
  const cases = JSON.parse(read('generic_scopes_valid.json')) as {
    scope: string
    generic: { resource: string; positional: string; params: Record<string, string[]> }
  }[]
  assert.ok(cases.length > 10)
  for (const { scope, generic } of cases) {
    const parts = parseScopeParts(scope)
    assert.ok(parts, scope)
    assert.deepEqual({ ...parts, params: Object.fromEntries(parts.params) }, generic, scope)
  }
  for (const scope of lines('generic_scopes_invalid.txt'))
    assert.equal(parseScopeParts(scope), undefined, scope)
})

test('permissions of the vectors are understood, and wrong ones are not', { skip }, () => {
  const valid = lines('permission_scopes_valid.txt')
  const invalid = lines('permission_scopes_invalid.txt')
  assert.ok(valid.length > 30 && invalid.length > 60)
  for (const scope of valid) assert.ok(parsePermission(scope), scope)
  for (const scope of invalid) assert.equal(parsePermission(scope), undefined, scope)
})

test('a permission on records is for its collections and actions', () => {
  const some = new Permissions('atproto repo:com.example.post?action=create repo:*?action=delete')
  assert.equal(some.allowsRepo('create', 'com.example.post'), true)
  assert.equal(some.allowsRepo('update', 'com.example.post'), false)
  assert.equal(some.allowsRepo('delete', 'app.bsky.feed.post'), true)
  assert.equal(some.allowsRepo('create', 'com.example.posts'), false)
  assert.throws(() => some.requireRepo('update', 'com.example.post'), isMissing)
})

test('a permission on calls is for its methods at its services', () => {
  const view = 'did:web:api.example.com#svc_appview'
  const some = new Permissions(
    `atproto rpc:com.example.read?aud=* rpc?lxm=*&aud=did:web:api.example.com%23svc_appview`,
  )
  assert.equal(some.allowsRpc('com.example.read', 'did:web:other.example#x'), true)
  assert.equal(some.allowsRpc('com.example.write', view), true)
  assert.equal(some.allowsRpc('com.example.write', 'did:web:other.example#x'), false)
  assert.equal(some.allowsRpc('com.example.write', 'did:web:api.example.com'), false)
  assert.equal(some.allowsRpc('*', view), true)
  assert.equal(some.allowsRpc('*', 'did:web:other.example#x'), false)
})

test('blobs are allowed by type, mail and names by attribute', () => {
  const some = new Permissions('atproto blob:image/* account:email?action=manage identity:handle')
  assert.equal(some.allowsBlob('image/png'), true)
  assert.equal(some.allowsBlob('IMAGE/PNG'), true)
  assert.equal(some.allowsBlob('imagery/png'), false)
  assert.equal(some.allowsAccount('email', 'read'), true)
  assert.equal(some.allowsAccount('repo', 'manage'), false)
  assert.equal(some.allowsIdentity('handle'), true)
  assert.equal(some.allowsIdentity('*'), false)
  assert.equal(new Permissions('atproto account:email').allowsAccount('email', 'manage'), false)
})

test('the scopes of older apps open what an app password opens, and chats only together', () => {
  const generic = new Permissions('atproto transition:generic')
  assert.equal(generic.allowsRepo('delete', 'a.b.c'), true)
  assert.equal(generic.allowsBlob('video/mp4'), true)
  assert.equal(generic.allowsRpc('app.bsky.feed.getTimeline', 'did:web:v.example#x'), true)
  for (const chat of ['chat.bsky.convo.getLog', 'CHAT.bsky.convo.getLog']) {
    assert.equal(generic.allowsRpc(chat, 'did:web:c.example#bsky_chat'), false)
    const lone = new Permissions('atproto transition:chat.bsky')
    assert.equal(lone.allowsRpc(chat, 'did:web:c.example#bsky_chat'), false)
    const both = new Permissions('atproto transition:generic transition:chat.bsky')
    assert.equal(both.allowsRpc(chat, 'did:web:c.example#bsky_chat'), true)
  }
  assert.equal(generic.allowsAccount('email', 'read'), false)
  assert.equal(new Permissions('transition:email').allowsAccount('email', 'read'), true)
  assert.equal(generic.allowsIdentity('handle'), false)
})

test('atproto alone, and what nobody knows, allow nothing', () => {
  const nothing = new Permissions('atproto whatever:com.example.post repo:com.example.post?new=1')
  assert.equal(nothing.allowsRepo('create', 'com.example.post'), false)
  assert.equal(nothing.allowsRpc('com.example.read', 'did:web:a.example#x'), false)
  assert.equal(nothing.allowsBlob('image/png'), false)
})

const setOf = (permissions: unknown[]) => ({
  lexicon: 1,
  id: 'com.example.auth.full',
  defs: {
    main: { type: 'permission-set', title: 'All', 'title:lang': { ar: 'الكل' }, permissions },
  },
})
const permission = (fields: object) => ({ type: 'permission', ...fields })

test('a set gives what lies within its own names, and is wholly understood', () => {
  const document = setOf([
    permission({ resource: 'repo', collection: ['com.example.auth.post'] }),
    permission({
      resource: 'repo',
      collection: ['com.example.auth.deep.like'],
      action: ['delete'],
    }),
    permission({ resource: 'rpc', lxm: ['com.example.auth.read'], inheritAud: true }),
    permission({ resource: 'rpc', lxm: ['com.example.auth.search'], aud: '*' }),
    // Of others, of everything, or not understood.
    permission({ resource: 'repo', collection: ['com.example.post'] }),
    permission({ resource: 'repo', collection: ['com.example.authority.post'] }),
    permission({ resource: 'repo', collection: ['com.example.auth.post', 'app.bsky.feed.post'] }),
    permission({ resource: 'repo', collection: ['*'] }),
    permission({ resource: 'repo', collection: ['com.example.auth.\ud800'] }),
    permission({ resource: 'repo', collection: ['com.example.auth.post'], only: 'mine' }),
    permission({ resource: 'rpc', lxm: ['com.example.auth.a'], aud: 'did:web:evil.example#x' }),
    permission({ resource: 'rpc', lxm: ['com.example.auth.b'], aud: '*', inheritAud: true }),
    permission({ resource: 'rpc', lxm: ['*'], aud: '*' }),
    permission({ resource: 'blob', accept: ['*/*'] }),
    permission({ resource: 'account', attr: 'email' }),
    permission({ resource: 'identity', attr: '*' }),
    null,
    'repo',
  ])
  const set = parsePermissionSet(document, 'com.example.auth.full')!
  assert.deepEqual(set.titles, { ar: 'الكل', '': 'All' })
  const repo = [
    'repo?collection=com.example.auth.post',
    'repo?collection=com.example.auth.deep.like&action=delete',
  ]
  const search = 'rpc?lxm=com.example.auth.search&aud=*'
  assert.deepEqual(scopesOfSet(set, undefined), [...repo, search])
  const inherited = 'rpc?lxm=com.example.auth.read&aud=did:web:v.example%23svc'
  assert.deepEqual(scopesOfSet(set, 'did:web:v.example#svc'), [...repo, inherited, search])
})

test('only the lexicon of that very set is one', () => {
  assert.equal(parsePermissionSet(setOf([]), 'com.example.auth.other'), undefined)
  assert.equal(parsePermissionSet({ lexicon: 1, id: 'a.b.c', defs: {} }, 'a.b.c'), undefined)
  for (const junk of [null, 1, [], {}, { defs: null }])
    assert.equal(parsePermissionSet(junk, 'a.b.c'), undefined)
})

test('arbitrary scopes never crash, and allow nothing they do not name', () => {
  const scope = fc.oneof(
    fc.string(),
    fc.string().map((text) => `repo:${text}`),
    fc.constantFrom('valueOf', 'constructor', '__proto__', 'rpc?lxm=%', 'rpc?&=&'),
    fc.string().map((text) => `rpc?lxm=${text}&aud=*`),
  )
  fc.assert(
    fc.property(scope, (text) => {
      const permissions = new Permissions(text)
      assert.equal(permissions.allowsIdentity('*'), false)
      const isAllowed = permissions.allowsRepo('create', 'com.example.never')
      if (isAllowed) assert.match(text, /\brepo(:|\?collection=)(\*|%2a)/i)
    }),
  )
})

const isMissing = (thrown: unknown) =>
  thrown instanceof XrpcError && thrown.status === 403 && thrown.error === 'ScopeMissingError'
