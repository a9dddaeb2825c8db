/** Calls of every method of `com.atproto` that a PDS answers: well made, and in every way wrong. */
import type { Call, Host } from './compared.test-support.ts'
import { ADMIN_PASSWORD } from './reference-pds.test-support.ts'

const POST = 'app.bsky.feed.post'
const post = (text: string) => ({ $type: POST, text, createdAt: '2026-01-01T00:00:00.000Z' })
const as = (name: string) => (host: Host) => ({
  authorization: `Bearer ${host.people[name]!.accessJwt}`,
})
const refreshing = (name: string) => (host: Host) => ({
  authorization: `Bearer ${host.people[name]!.refreshJwt}`,
})
const kept = (name: string) => (host: Host) => ({ authorization: `Bearer ${host.kept[name]}` })
const operator = () => ({ authorization: `Basic ${btoa(`admin:${ADMIN_PASSWORD}`)}` })
const did = (host: Host, name = 'alice') => host.people[name]!.did
const uri = (host: Host, rkey: string, name = 'alice') => `at://${did(host, name)}/${POST}/${rkey}`
/** A record key as posts have it, that says something. */
export const key = (name: string) => `3k${name.replaceAll(/[^a-z]/g, '')}`.padEnd(13, '2')

const NOBODY = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const CID = 'bafyreigpldxmhgm2tjyqqaoj6oaxcyilgxqbh7vw5aqcj67l2v5vbvrvaa'
const PICTURE = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3, 4])

const repo = 'com.atproto.repo'
const sync = 'com.atproto.sync'
const server = 'com.atproto.server'
const identity = 'com.atproto.identity'
const admin = 'com.atproto.admin'

const write =
  (rkey: string, extra: Record<string, unknown> = {}) =>
  (host: Host) => ({
    repo: did(host),
    collection: POST,
    rkey,
    record: post(rkey),
    ...extra,
  })

export const calls: Call[] = [
  // Records
  {
    title: 'a record is made',
    nsid: `${repo}.createRecord`,
    body: write(key('one')),
    headers: as('alice'),
    keep: ({ cid }) => ({ one: cid }),
  },
  {
    title: 'a record is made twice',
    nsid: `${repo}.createRecord`,
    body: write(key('one')),
    headers: as('alice'),
  },
  { title: 'without a token', nsid: `${repo}.createRecord`, body: write(key('two')) },
  {
    title: 'with a token that is none',
    nsid: `${repo}.createRecord`,
    body: write(key('two')),
    headers: () => ({ authorization: 'Bearer x.y.z' }),
  },
  {
    title: 'with a scheme nobody knows',
    nsid: `${repo}.createRecord`,
    body: write(key('two')),
    headers: () => ({ authorization: 'Digest x' }),
  },
  {
    title: 'with a refresh token',
    nsid: `${repo}.createRecord`,
    body: write(key('two')),
    headers: refreshing('alice'),
  },
  {
    title: 'as the operator',
    nsid: `${repo}.createRecord`,
    body: write(key('two')),
    headers: operator,
  },
  {
    title: 'into somebody else’s',
    nsid: `${repo}.createRecord`,
    body: write(key('two')),
    headers: as('bob'),
  },
  {
    title: 'of a deactivated account',
    nsid: `${repo}.createRecord`,
    body: (host) => ({ ...write(key('two'))(host), repo: did(host, 'carol') }),
    headers: as('carol'),
  },
  {
    title: 'of an account that is taken down',
    nsid: `${repo}.createRecord`,
    body: (host) => ({ ...write(key('two'))(host), repo: did(host, 'dave') }),
    headers: as('dave'),
  },
  {
    title: 'by handle',
    nsid: `${repo}.createRecord`,
    body: (host) => ({ ...write(key('byhandle'))(host), repo: host.people.alice!.handle }),
    headers: as('alice'),
  },
  {
    title: 'a record that is no post',
    nsid: `${repo}.createRecord`,
    body: write(key('two'), { record: { $type: POST } }),
    headers: as('alice'),
  },
  {
    title: 'unchecked',
    nsid: `${repo}.createRecord`,
    body: write(key('unchecked'), { record: { $type: POST }, validate: false }),
    headers: as('alice'),
  },
  {
    title: 'of another type than its collection',
    nsid: `${repo}.createRecord`,
    body: write(key('two'), { record: { ...post('x'), $type: 'app.bsky.feed.like' } }),
    headers: as('alice'),
  },
  {
    title: 'of a type nobody knows',
    nsid: `${repo}.createRecord`,
    body: write('any', { collection: 'com.example.any', record: { a: 1 } }),
    headers: as('alice'),
  },
  {
    title: 'of a type nobody knows, to be checked',
    nsid: `${repo}.createRecord`,
    body: write('any2', { collection: 'com.example.any', record: { a: 1 }, validate: true }),
    headers: as('alice'),
  },
  {
    title: 'with a collection that is none',
    nsid: `${repo}.createRecord`,
    body: write(key('two'), { collection: 'posts' }),
    headers: as('alice'),
  },
  {
    title: 'with a key that is none',
    nsid: `${repo}.createRecord`,
    body: write('a/b'),
    headers: as('alice'),
  },
  {
    title: 'with a float',
    nsid: `${repo}.createRecord`,
    body: write('float', { collection: 'com.example.any', record: { a: 1.5 } }),
    headers: as('alice'),
  },
  {
    title: 'with a blob nobody uploaded',
    nsid: `${repo}.createRecord`,
    body: write('blob', {
      collection: 'com.example.any',
      record: {
        b: {
          $type: 'blob',
          ref: { $link: 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy' },
          mimeType: 'image/png',
          size: 3,
        },
      },
    }),
    headers: as('alice'),
  },
  {
    title: 'with a missing field',
    nsid: `${repo}.createRecord`,
    body: (host) => ({ repo: did(host), collection: POST }),
    headers: as('alice'),
  },
  {
    title: 'with no JSON',
    nsid: `${repo}.createRecord`,
    body: () => '{',
    headers: (host) => ({ ...as('alice')(host), 'content-type': 'application/json' }),
  },
  {
    title: 'with another type of body',
    nsid: `${repo}.createRecord`,
    body: () => 'x',
    headers: (host) => ({ ...as('alice')(host), 'content-type': 'text/plain' }),
  },
  {
    title: 'with a commit that is not the last',
    nsid: `${repo}.createRecord`,
    body: write(key('two'), { swapCommit: CID }),
    headers: as('alice'),
  },
  { title: 'asked as a query', nsid: `${repo}.createRecord`, headers: as('alice') },
  { title: 'a method nobody has', nsid: `${repo}.burnRecord`, headers: as('alice') },
  { title: 'a name that is none', nsid: 'x', headers: as('alice') },
  {
    title: 'a record is put',
    nsid: `${repo}.putRecord`,
    body: write(key('put')),
    headers: as('alice'),
  },
  {
    title: 'the same is put again',
    nsid: `${repo}.putRecord`,
    body: write(key('put')),
    headers: as('alice'),
  },
  {
    title: 'put over another than the one there',
    nsid: `${repo}.putRecord`,
    body: write(key('put'), { swapRecord: CID, record: post('else') }),
    headers: as('alice'),
  },
  {
    title: 'put where nothing may be',
    nsid: `${repo}.putRecord`,
    body: write(key('put'), { swapRecord: null, record: post('else') }),
    headers: as('alice'),
  },
  {
    title: 'put over the one there',
    nsid: `${repo}.putRecord`,
    body: (host) => write(key('one'), { swapRecord: host.kept.one, record: post('new') })(host),
    headers: as('alice'),
  },
  { title: 'put without a token', nsid: `${repo}.putRecord`, body: write(key('put')) },
  {
    title: 'put into somebody else’s',
    nsid: `${repo}.putRecord`,
    body: write(key('put')),
    headers: as('bob'),
  },
  {
    title: 'a profile with a key that is not self',
    nsid: `${repo}.putRecord`,
    body: write('me', {
      collection: 'app.bsky.actor.profile',
      record: { $type: 'app.bsky.actor.profile' },
    }),
    headers: as('alice'),
  },
  {
    title: 'a profile',
    nsid: `${repo}.putRecord`,
    body: write('self', {
      collection: 'app.bsky.actor.profile',
      record: { $type: 'app.bsky.actor.profile', displayName: 'A' },
    }),
    headers: as('alice'),
  },
  {
    title: 'a record is deleted',
    nsid: `${repo}.deleteRecord`,
    body: (host) => ({ repo: did(host), collection: POST, rkey: key('put') }),
    headers: as('alice'),
  },
  {
    title: 'what is not there is deleted',
    nsid: `${repo}.deleteRecord`,
    body: (host) => ({ repo: did(host), collection: POST, rkey: key('put') }),
    headers: as('alice'),
  },
  {
    title: 'another than the one there is deleted',
    nsid: `${repo}.deleteRecord`,
    body: (host) => ({ repo: did(host), collection: POST, rkey: key('one'), swapRecord: CID }),
    headers: as('alice'),
  },
  {
    title: 'somebody else’s is deleted',
    nsid: `${repo}.deleteRecord`,
    body: (host) => ({ repo: did(host), collection: POST, rkey: key('one') }),
    headers: as('bob'),
  },
  {
    title: 'several writes',
    nsid: `${repo}.applyWrites`,
    body: (host) => ({
      repo: did(host),
      writes: [
        {
          $type: `${repo}.applyWrites#create`,
          collection: POST,
          rkey: key('w1'),
          value: post('w1'),
        },
        { $type: `${repo}.applyWrites#create`, collection: POST, value: post('w2') },
        {
          $type: `${repo}.applyWrites#update`,
          collection: POST,
          rkey: key('one'),
          value: post('upd'),
        },
        { $type: `${repo}.applyWrites#delete`, collection: POST, rkey: key('byhandle') },
      ],
    }),
    headers: as('alice'),
  },
  {
    title: 'an update of nothing',
    nsid: `${repo}.applyWrites`,
    body: (host) => ({
      repo: did(host),
      writes: [
        {
          $type: `${repo}.applyWrites#update`,
          collection: POST,
          rkey: key('none'),
          value: post('x'),
        },
      ],
    }),
    headers: as('alice'),
  },
  {
    title: 'a delete of nothing',
    nsid: `${repo}.applyWrites`,
    body: (host) => ({
      repo: did(host),
      writes: [{ $type: `${repo}.applyWrites#delete`, collection: POST, rkey: key('none') }],
    }),
    headers: as('alice'),
  },
  {
    title: 'no writes',
    nsid: `${repo}.applyWrites`,
    body: (host) => ({ repo: did(host), writes: [] }),
    headers: as('alice'),
  },
  {
    title: 'a write of an unknown kind',
    nsid: `${repo}.applyWrites`,
    body: (host) => ({
      repo: did(host),
      writes: [{ $type: `${repo}.applyWrites#turn`, collection: POST, rkey: key('one') }],
    }),
    headers: as('alice'),
  },
  {
    title: '201 writes',
    nsid: `${repo}.applyWrites`,
    body: (host) => ({
      repo: did(host),
      writes: Array.from({ length: 201 }, () => ({
        $type: `${repo}.applyWrites#create`,
        collection: POST,
        value: post('x'),
      })),
    }),
    headers: as('alice'),
  },
  {
    title: 'a record is read',
    nsid: `${repo}.getRecord`,
    params: (host) => ({ repo: did(host), collection: POST, rkey: key('one') }),
  },
  {
    title: 'a record is read by handle',
    nsid: `${repo}.getRecord`,
    params: (host) => ({ repo: host.people.alice!.handle, collection: POST, rkey: key('one') }),
  },
  {
    title: 'another version of it',
    nsid: `${repo}.getRecord`,
    params: (host) => ({ repo: did(host), collection: POST, rkey: key('one'), cid: CID }),
  },
  {
    title: 'what is not there',
    nsid: `${repo}.getRecord`,
    params: (host) => ({ repo: did(host), collection: POST, rkey: key('none') }),
  },
  {
    title: 'of nobody',
    nsid: `${repo}.getRecord`,
    params: () => ({ repo: NOBODY, collection: POST, rkey: key('none') }),
  },
  {
    title: 'of an account that is taken down',
    nsid: `${repo}.getRecord`,
    params: (host) => ({ repo: did(host, 'dave'), collection: POST, rkey: key('d') }),
  },
  {
    title: 'of a deactivated account',
    nsid: `${repo}.getRecord`,
    params: (host) => ({ repo: did(host, 'carol'), collection: POST, rkey: key('c') }),
  },
  {
    title: 'with a missing parameter',
    nsid: `${repo}.getRecord`,
    params: (host) => ({ repo: did(host), collection: POST }),
  },
  {
    title: 'records are listed',
    nsid: `${repo}.listRecords`,
    params: (host) => ({ repo: did(host), collection: POST, limit: '2' }),
  },
  {
    title: 'the other way around',
    nsid: `${repo}.listRecords`,
    params: (host) => ({ repo: did(host), collection: POST, reverse: 'true' }),
  },
  {
    title: 'too many at once',
    nsid: `${repo}.listRecords`,
    params: (host) => ({ repo: did(host), collection: POST, limit: '101' }),
  },
  {
    title: 'none at once',
    nsid: `${repo}.listRecords`,
    params: (host) => ({ repo: did(host), collection: POST, limit: '0' }),
  },
  {
    title: 'a limit that is no number',
    nsid: `${repo}.listRecords`,
    params: (host) => ({ repo: did(host), collection: POST, limit: 'x' }),
  },
  {
    title: 'records of nobody are listed',
    nsid: `${repo}.listRecords`,
    params: () => ({ repo: NOBODY, collection: POST }),
  },
  {
    title: 'records of a deactivated account are listed',
    nsid: `${repo}.listRecords`,
    params: (host) => ({ repo: did(host, 'carol'), collection: POST }),
  },
  {
    title: 'records of who is taken down are listed',
    nsid: `${repo}.listRecords`,
    params: (host) => ({ repo: did(host, 'dave'), collection: POST }),
  },
  {
    title: 'a collection that is none is listed',
    nsid: `${repo}.listRecords`,
    params: (host) => ({ repo: did(host), collection: 'x' }),
  },
  {
    title: 'a repository is described',
    nsid: `${repo}.describeRepo`,
    params: (host) => ({ repo: did(host) }),
  },
  {
    title: 'nobody’s is described',
    nsid: `${repo}.describeRepo`,
    params: () => ({ repo: NOBODY }),
  },
  {
    title: 'one taken down is described',
    nsid: `${repo}.describeRepo`,
    params: (host) => ({ repo: did(host, 'dave') }),
  },
  {
    title: 'a deactivated one is described',
    nsid: `${repo}.describeRepo`,
    params: (host) => ({ repo: did(host, 'carol') }),
  },
  {
    title: 'a blob is uploaded',
    nsid: `${repo}.uploadBlob`,
    body: () => PICTURE,
    headers: (host) => ({ ...as('alice')(host), 'content-type': 'image/png' }),
    keep: ({ blob }) => ({ blob: blob.ref.$link }),
  },
  {
    title: 'a blob is uploaded by nobody',
    nsid: `${repo}.uploadBlob`,
    body: () => PICTURE,
    headers: () => ({ 'content-type': 'image/png' }),
  },
  {
    title: 'a blob without a type',
    nsid: `${repo}.uploadBlob`,
    body: () => PICTURE,
    headers: as('alice'),
  },
  {
    title: 'a blob by a deactivated account',
    nsid: `${repo}.uploadBlob`,
    body: () => PICTURE,
    headers: (host) => ({ ...as('carol')(host), 'content-type': 'image/png' }),
  },
  {
    title: 'the blob is mentioned',
    nsid: `${repo}.createRecord`,
    body: (host) =>
      write('pic', {
        collection: 'com.example.any',
        record: {
          b: {
            $type: 'blob',
            ref: { $link: host.kept.blob },
            mimeType: 'image/png',
            size: PICTURE.length,
          },
        },
      })(host),
    headers: as('alice'),
  },
  { title: 'missing blobs', nsid: `${repo}.listMissingBlobs`, headers: as('alice') },
  { title: 'missing blobs of nobody', nsid: `${repo}.listMissingBlobs` },
  {
    title: 'an import into an active account',
    nsid: `${repo}.importRepo`,
    body: () => Uint8Array.from([1, 2, 3]),
    headers: (host) => ({ ...as('alice')(host), 'content-type': 'application/vnd.ipld.car' }),
  },
  {
    title: 'an import of noise',
    nsid: `${repo}.importRepo`,
    body: () => Uint8Array.from([1, 2, 3]),
    headers: (host) => ({ ...as('carol')(host), 'content-type': 'application/vnd.ipld.car' }),
  },
  {
    title: 'an import by nobody',
    nsid: `${repo}.importRepo`,
    body: () => Uint8Array.from([1, 2, 3]),
    headers: () => ({ 'content-type': 'application/vnd.ipld.car' }),
  },
  // Synchronisation
  ...['getRepo', 'getLatestCommit', 'getRepoStatus', 'listBlobs', 'getHead', 'getCheckout'].flatMap(
    (method): Call[] => [
      {
        title: `${method} of an account`,
        nsid: `${sync}.${method}`,
        params: (host) => ({ did: did(host) }),
      },
      { title: `${method} of nobody`, nsid: `${sync}.${method}`, params: () => ({ did: NOBODY }) },
      {
        title: `${method} of a deactivated account`,
        nsid: `${sync}.${method}`,
        params: (host) => ({ did: did(host, 'carol') }),
      },
      {
        title: `${method} of an account that is taken down`,
        nsid: `${sync}.${method}`,
        params: (host) => ({ did: did(host, 'dave') }),
      },
      {
        title: `${method} of an account that is taken down, by the operator`,
        nsid: `${sync}.${method}`,
        params: (host) => ({ did: did(host, 'dave') }),
        headers: operator,
      },
      { title: `${method} of no DID`, nsid: `${sync}.${method}`, params: () => ({ did: 'alice' }) },
      { title: `${method} of nothing`, nsid: `${sync}.${method}` },
    ],
  ),
  {
    title: 'a repository since a rev',
    nsid: `${sync}.getRepo`,
    params: (host) => ({ did: did(host), since: '3jzfcijpj2z2a' }),
  },
  {
    title: 'a repository since no rev',
    nsid: `${sync}.getRepo`,
    params: (host) => ({ did: did(host), since: 'x' }),
  },
  {
    title: 'blocks',
    nsid: `${sync}.getBlocks`,
    params: (host) => ({ did: did(host), cids: [host.kept.one!] }),
  },
  {
    title: 'blocks that are not there',
    nsid: `${sync}.getBlocks`,
    params: (host) => ({ did: did(host), cids: [CID] }),
  },
  {
    title: 'blocks that are none',
    nsid: `${sync}.getBlocks`,
    params: (host) => ({ did: did(host), cids: ['x'] }),
  },
  {
    title: 'blocks of who is taken down',
    nsid: `${sync}.getBlocks`,
    params: (host) => ({ did: did(host, 'dave'), cids: [CID] }),
  },
  {
    title: 'a proof',
    nsid: `${sync}.getRecord`,
    params: (host) => ({ did: did(host), collection: POST, rkey: key('one') }),
  },
  {
    title: 'a proof that there is none',
    nsid: `${sync}.getRecord`,
    params: (host) => ({ did: did(host), collection: POST, rkey: key('none') }),
  },
  {
    title: 'a proof of nobody',
    nsid: `${sync}.getRecord`,
    params: () => ({ did: NOBODY, collection: POST, rkey: key('none') }),
  },
  {
    title: 'a proof of who is taken down',
    nsid: `${sync}.getRecord`,
    params: (host) => ({ did: did(host, 'dave'), collection: POST, rkey: key('d') }),
  },
  {
    title: 'a blob',
    nsid: `${sync}.getBlob`,
    params: (host) => ({ did: did(host), cid: host.kept.blob! }),
  },
  {
    title: 'a blob that is not there',
    nsid: `${sync}.getBlob`,
    params: (host) => ({ did: did(host), cid: CID }),
  },
  {
    title: 'a blob that is none',
    nsid: `${sync}.getBlob`,
    params: (host) => ({ did: did(host), cid: 'x' }),
  },
  { title: 'a blob of nobody', nsid: `${sync}.getBlob`, params: () => ({ did: NOBODY, cid: CID }) },
  {
    title: 'a blob of who is taken down',
    nsid: `${sync}.getBlob`,
    params: (host) => ({ did: did(host, 'dave'), cid: CID }),
  },
  { title: 'all repositories', nsid: `${sync}.listRepos` },
  { title: 'too many of them', nsid: `${sync}.listRepos`, params: () => ({ limit: '1001' }) },
  {
    title: 'with a cursor that is none',
    nsid: `${sync}.listRepos`,
    params: () => ({ cursor: 'x' }),
  },
  { title: 'events without a WebSocket', nsid: `${sync}.subscribeRepos` },
  {
    title: 'a crawl is asked for',
    nsid: `${sync}.requestCrawl`,
    body: () => ({ hostname: 'example.com' }),
  },
  // Accounts
  { title: 'the server is described', nsid: `${server}.describeServer` },
  {
    title: 'a session is opened',
    nsid: `${server}.createSession`,
    body: (host) => ({ identifier: host.people.alice!.handle, password: 'password of alice' }),
    keep: ({ accessJwt, refreshJwt }) => ({ access: accessJwt, refresh: refreshJwt }),
  },
  {
    title: 'a session is opened by address',
    nsid: `${server}.createSession`,
    body: () => ({ identifier: 'alice@mail.example', password: 'password of alice' }),
  },
  {
    title: 'a session with a wrong password',
    nsid: `${server}.createSession`,
    body: (host) => ({ identifier: host.people.alice!.handle, password: 'x' }),
  },
  {
    title: 'a session of nobody',
    nsid: `${server}.createSession`,
    body: () => ({ identifier: 'nobody.example.com', password: 'x' }),
  },
  {
    title: 'a session of a deactivated account',
    nsid: `${server}.createSession`,
    body: (host) => ({ identifier: host.people.carol!.handle, password: 'password of carol' }),
  },
  {
    title: 'a session of who is taken down',
    nsid: `${server}.createSession`,
    body: (host) => ({ identifier: host.people.dave!.handle, password: 'password of dave' }),
  },
  {
    title: 'a session of who is taken down, allowed',
    nsid: `${server}.createSession`,
    body: (host) => ({
      identifier: host.people.dave!.handle,
      password: 'password of dave',
      allowTakendown: true,
    }),
    keep: ({ accessJwt }) => ({ takendown: accessJwt }),
  },
  {
    title: 'a session without a password',
    nsid: `${server}.createSession`,
    body: () => ({ identifier: 'x' }),
  },
  { title: 'whose session', nsid: `${server}.getSession`, headers: kept('access') },
  {
    title: 'whose session, of a deactivated account',
    nsid: `${server}.getSession`,
    headers: as('carol'),
  },
  {
    title: 'whose session, of who is taken down',
    nsid: `${server}.getSession`,
    headers: kept('takendown'),
  },
  { title: 'whose session, nobody’s', nsid: `${server}.getSession` },
  {
    title: 'a session is renewed',
    nsid: `${server}.refreshSession`,
    body: () => undefined,
    headers: kept('refresh'),
  },
  {
    title: 'a session is renewed with an access token',
    nsid: `${server}.refreshSession`,
    body: () => undefined,
    headers: kept('access'),
  },
  { title: 'nobody’s session is renewed', nsid: `${server}.refreshSession`, body: () => undefined },
  {
    title: 'a session is ended with an access token',
    nsid: `${server}.deleteSession`,
    body: () => undefined,
    headers: kept('access'),
  },
  {
    title: 'a session is ended',
    nsid: `${server}.deleteSession`,
    body: () => undefined,
    headers: kept('refresh'),
  },
  {
    title: 'a session that ended is renewed',
    nsid: `${server}.refreshSession`,
    body: () => undefined,
    headers: kept('refresh'),
  },
  {
    title: 'an account without a password',
    nsid: `${server}.createAccount`,
    body: (host) => ({ handle: `pppp.${host.hostname}`, email: 'p@mail.example' }),
  },
  {
    title: 'an account without an address',
    nsid: `${server}.createAccount`,
    body: (host) => ({ handle: `noaddress.${host.hostname}`, password: 'password of p' }),
  },
  {
    title: 'an account with an address that is none',
    nsid: `${server}.createAccount`,
    body: (host) => ({ handle: `pppp.${host.hostname}`, email: 'p', password: 'password of p' }),
  },
  {
    title: 'an account with a handle that is taken',
    nsid: `${server}.createAccount`,
    body: (host) => ({
      handle: host.people.alice!.handle,
      email: 'p@mail.example',
      password: 'password of p',
    }),
  },
  {
    title: 'an account with an address that is taken',
    nsid: `${server}.createAccount`,
    body: (host) => ({
      handle: `pppp.${host.hostname}`,
      email: 'alice@mail.example',
      password: 'password of p',
    }),
  },
  {
    title: 'an account with a handle of elsewhere',
    nsid: `${server}.createAccount`,
    body: () => ({
      handle: 'p.elsewhere.example',
      email: 'p@mail.example',
      password: 'password of p',
    }),
  },
  {
    title: 'an account with a handle too short',
    nsid: `${server}.createAccount`,
    body: (host) => ({
      handle: `p.${host.hostname}`,
      email: 'p@mail.example',
      password: 'password of p',
    }),
  },
  {
    title: 'an account with a handle too long',
    nsid: `${server}.createAccount`,
    body: (host) => ({
      handle: `${'p'.repeat(30)}.${host.hostname}`,
      email: 'p@mail.example',
      password: 'password of p',
    }),
  },
  {
    title: 'an account with a reserved handle',
    nsid: `${server}.createAccount`,
    body: (host) => ({
      handle: `admin.${host.hostname}`,
      email: 'p@mail.example',
      password: 'password of p',
    }),
  },
  {
    title: 'an account with a handle of two parts',
    nsid: `${server}.createAccount`,
    body: (host) => ({
      handle: `a.pppp.${host.hostname}`,
      email: 'p@mail.example',
      password: 'password of p',
    }),
  },
  {
    title: 'an account with a handle that is none',
    nsid: `${server}.createAccount`,
    body: () => ({ handle: 'p p', email: 'p@mail.example', password: 'password of p' }),
  },
  {
    title: 'an account of somebody else’s identity',
    nsid: `${server}.createAccount`,
    body: (host) => ({
      did: NOBODY,
      handle: `pppp.${host.hostname}`,
      email: 'p@mail.example',
      password: 'password of p',
    }),
  },
  {
    title: 'an account of somebody else’s identity, as alice',
    nsid: `${server}.createAccount`,
    body: (host) => ({
      did: NOBODY,
      handle: `pppp.${host.hostname}`,
      email: 'p@mail.example',
      password: 'password of p',
    }),
    headers: as('alice'),
  },
  {
    title: 'an app password',
    nsid: `${server}.createAppPassword`,
    body: () => ({ name: 'phone' }),
    headers: as('alice'),
    keep: ({ password }) => ({ app: password }),
  },
  {
    title: 'an app password of the same name',
    nsid: `${server}.createAppPassword`,
    body: () => ({ name: 'phone' }),
    headers: as('alice'),
  },
  {
    title: 'an app password by nobody',
    nsid: `${server}.createAppPassword`,
    body: () => ({ name: 'phone' }),
  },
  { title: 'app passwords', nsid: `${server}.listAppPasswords`, headers: as('alice') },
  {
    title: 'a session with it',
    nsid: `${server}.createSession`,
    body: (host) => ({ identifier: did(host), password: host.kept.app }),
    keep: ({ accessJwt }) => ({ appAccess: accessJwt }),
  },
  { title: 'whose session, by it', nsid: `${server}.getSession`, headers: kept('appAccess') },
  {
    title: 'an app password by it',
    nsid: `${server}.createAppPassword`,
    body: () => ({ name: 'more' }),
    headers: kept('appAccess'),
  },
  { title: 'app passwords by it', nsid: `${server}.listAppPasswords`, headers: kept('appAccess') },
  {
    title: 'deactivated by it',
    nsid: `${server}.deactivateAccount`,
    body: () => ({}),
    headers: kept('appAccess'),
  },
  {
    title: 'a service token by it',
    nsid: `${server}.getServiceAuth`,
    params: () => ({ aud: 'did:web:example.com', lxm: 'app.bsky.feed.getTimeline' }),
    headers: kept('appAccess'),
  },
  {
    title: 'a service token for messages by it',
    nsid: `${server}.getServiceAuth`,
    params: () => ({ aud: 'did:web:example.com', lxm: 'chat.bsky.convo.getLog' }),
    headers: kept('appAccess'),
  },
  {
    title: 'one that is not there is revoked',
    nsid: `${server}.revokeAppPassword`,
    body: () => ({ name: 'none' }),
    headers: as('alice'),
  },
  {
    title: 'a service token',
    nsid: `${server}.getServiceAuth`,
    params: () => ({ aud: 'did:web:example.com', lxm: 'app.bsky.feed.getTimeline' }),
    headers: as('alice'),
  },
  {
    title: 'a service token for what is kept for the owner',
    nsid: `${server}.getServiceAuth`,
    params: () => ({ aud: 'did:web:example.com', lxm: 'com.atproto.server.createAccount' }),
    headers: as('alice'),
  },
  {
    title: 'a service token for what is never given',
    nsid: `${server}.getServiceAuth`,
    params: () => ({ aud: 'did:web:example.com', lxm: 'com.atproto.repo.createRecord' }),
    headers: as('alice'),
  },
  {
    title: 'a service token of the past',
    nsid: `${server}.getServiceAuth`,
    params: () => ({ aud: 'did:web:example.com', exp: '1' }),
    headers: as('alice'),
  },
  {
    title: 'a service token for a day',
    nsid: `${server}.getServiceAuth`,
    params: () => ({
      aud: 'did:web:example.com',
      lxm: 'app.bsky.feed.getTimeline',
      exp: String(Math.floor(Date.now() / 1000) + 86_400),
    }),
    headers: as('alice'),
  },
  {
    title: 'a service token for everything and an hour',
    nsid: `${server}.getServiceAuth`,
    params: () => ({
      aud: 'did:web:example.com',
      exp: String(Math.floor(Date.now() / 1000) + 3_000),
    }),
    headers: as('alice'),
  },
  {
    title: 'a service token for nobody',
    nsid: `${server}.getServiceAuth`,
    params: () => ({ aud: 'x' }),
    headers: as('alice'),
  },
  {
    title: 'a service token of a deactivated account',
    nsid: `${server}.getServiceAuth`,
    params: () => ({ aud: 'did:web:example.com', lxm: 'app.bsky.feed.getTimeline' }),
    headers: as('carol'),
  },
  { title: 'a key is reserved', nsid: `${server}.reserveSigningKey`, body: () => ({}) },
  {
    title: 'a key is reserved for a DID',
    nsid: `${server}.reserveSigningKey`,
    body: () => ({ did: NOBODY }),
  },
  { title: 'how an account stands', nsid: `${server}.checkAccountStatus`, headers: as('alice') },
  {
    title: 'how a deactivated account stands',
    nsid: `${server}.checkAccountStatus`,
    headers: as('carol'),
  },
  { title: 'how nobody’s account stands', nsid: `${server}.checkAccountStatus` },
  {
    title: 'an address is to be confirmed',
    nsid: `${server}.requestEmailConfirmation`,
    body: () => undefined,
    headers: as('alice'),
  },
  {
    title: 'an address is confirmed with a wrong code',
    nsid: `${server}.confirmEmail`,
    body: () => ({ email: 'alice@mail.example', token: 'aaaaa-bbbbb' }),
    headers: as('alice'),
  },
  {
    title: 'another’s address is confirmed',
    nsid: `${server}.confirmEmail`,
    body: () => ({ email: 'x@mail.example', token: 'aaaaa-bbbbb' }),
    headers: as('alice'),
  },
  {
    title: 'an address is to be changed',
    nsid: `${server}.requestEmailUpdate`,
    body: () => undefined,
    headers: as('alice'),
  },
  {
    title: 'an address is changed',
    nsid: `${server}.updateEmail`,
    body: () => ({ email: 'alice2@mail.example' }),
    headers: as('alice'),
  },
  {
    title: 'an address is changed to one that is none',
    nsid: `${server}.updateEmail`,
    body: () => ({ email: 'x' }),
    headers: as('alice'),
  },
  {
    title: 'an address is changed to one that is taken',
    nsid: `${server}.updateEmail`,
    body: () => ({ email: 'bob@mail.example' }),
    headers: as('alice'),
  },
  {
    title: 'a password is forgotten',
    nsid: `${server}.requestPasswordReset`,
    body: () => ({ email: 'bob@mail.example' }),
  },
  {
    title: 'a password of nobody is forgotten',
    nsid: `${server}.requestPasswordReset`,
    body: () => ({ email: 'nobody@mail.example' }),
  },
  {
    title: 'a password is set with a wrong code',
    nsid: `${server}.resetPassword`,
    body: () => ({ token: 'aaaaa-bbbbb', password: 'password of b' }),
  },
  {
    title: 'an account is to be deleted',
    nsid: `${server}.requestAccountDelete`,
    body: () => undefined,
    headers: as('bob'),
  },
  {
    title: 'an account is deleted with a wrong code',
    nsid: `${server}.deleteAccount`,
    body: (host) => ({ did: did(host, 'bob'), password: 'password of bob', token: 'aaaaa-bbbbb' }),
  },
  {
    title: 'an account is deleted with a wrong password',
    nsid: `${server}.deleteAccount`,
    body: (host) => ({ did: did(host, 'bob'), password: 'x', token: 'aaaaa-bbbbb' }),
  },
  {
    title: 'nobody is deleted',
    nsid: `${server}.deleteAccount`,
    body: () => ({ did: NOBODY, password: 'x', token: 'aaaaa-bbbbb' }),
  },
  { title: 'invites of an account', nsid: `${server}.getAccountInviteCodes`, headers: as('alice') },
  {
    title: 'an invite by nobody',
    nsid: `${server}.createInviteCode`,
    body: () => ({ useCount: 1 }),
  },
  {
    title: 'an invite by an account',
    nsid: `${server}.createInviteCode`,
    body: () => ({ useCount: 1 }),
    headers: as('alice'),
  },
  {
    title: 'an invite by the operator',
    nsid: `${server}.createInviteCode`,
    body: () => ({ useCount: 1 }),
    headers: operator,
    keep: ({ code }) => ({ invite: code }),
  },
  {
    title: 'invites by the operator',
    nsid: `${server}.createInviteCodes`,
    body: (host) => ({ codeCount: 2, useCount: 1, forAccounts: [did(host)] }),
    headers: operator,
  },
  // Identities
  {
    title: 'a handle is resolved',
    nsid: `${identity}.resolveHandle`,
    params: (host) => ({ handle: host.people.alice!.handle }),
  },
  {
    title: 'nobody’s handle of the host is resolved',
    nsid: `${identity}.resolveHandle`,
    params: (host) => ({ handle: `nobody.${host.hostname}` }),
  },
  {
    title: 'what is no handle is resolved',
    nsid: `${identity}.resolveHandle`,
    params: () => ({ handle: 'x' }),
  },
  {
    title: 'a handle by an app password',
    nsid: `${identity}.updateHandle`,
    body: (host) => ({ handle: `else.${host.hostname}` }),
    headers: kept('appAccess'),
  },
  {
    title: 'an app password is revoked',
    nsid: `${server}.revokeAppPassword`,
    body: () => ({ name: 'phone' }),
    headers: as('alice'),
  },
  {
    title: 'credentials to move here',
    nsid: `${identity}.getRecommendedDidCredentials`,
    headers: as('alice'),
  },
  { title: 'credentials for nobody', nsid: `${identity}.getRecommendedDidCredentials` },
  {
    title: 'a signature is asked for',
    nsid: `${identity}.requestPlcOperationSignature`,
    body: () => undefined,
    headers: as('alice'),
  },
  {
    title: 'an operation is signed without a code',
    nsid: `${identity}.signPlcOperation`,
    body: () => ({}),
    headers: as('alice'),
  },
  {
    title: 'an operation is signed with a wrong code',
    nsid: `${identity}.signPlcOperation`,
    body: () => ({ token: 'aaaaa-bbbbb' }),
    headers: as('alice'),
  },
  {
    title: 'an operation that is none is sent',
    nsid: `${identity}.submitPlcOperation`,
    body: () => ({ operation: {} }),
    headers: as('alice'),
  },
  {
    title: 'a handle is changed',
    nsid: `${identity}.updateHandle`,
    body: (host) => ({ handle: `alice2.${host.hostname}` }),
    headers: as('alice'),
  },
  {
    title: 'a handle is changed to one that is taken',
    nsid: `${identity}.updateHandle`,
    body: (host) => ({ handle: host.people.bob!.handle }),
    headers: as('alice'),
  },
  {
    title: 'a handle is changed to one that is none',
    nsid: `${identity}.updateHandle`,
    body: () => ({ handle: 'x' }),
    headers: as('alice'),
  },
  {
    title: 'a handle is changed to a reserved one',
    nsid: `${identity}.updateHandle`,
    body: (host) => ({ handle: `admin.${host.hostname}` }),
    headers: as('alice'),
  },
  {
    title: 'a handle is changed to a domain that does not say so',
    nsid: `${identity}.updateHandle`,
    body: () => ({ handle: 'nobody.invalid' }),
    headers: as('alice'),
  },
  // Operators
  ...(['getAccountInfo', 'getSubjectStatus'] as const).flatMap((method): Call[] => [
    {
      title: `${method} by nobody`,
      nsid: `${admin}.${method}`,
      params: (host) => ({ did: did(host) }),
    },
    {
      title: `${method} by an account`,
      nsid: `${admin}.${method}`,
      params: (host) => ({ did: did(host) }),
      headers: as('alice'),
    },
    {
      title: `${method} by the operator`,
      nsid: `${admin}.${method}`,
      params: (host) => ({ did: did(host) }),
      headers: operator,
    },
    {
      title: `${method} of who is taken down`,
      nsid: `${admin}.${method}`,
      params: (host) => ({ did: did(host, 'dave') }),
      headers: operator,
    },
    {
      title: `${method} of nobody`,
      nsid: `${admin}.${method}`,
      params: () => ({ did: NOBODY }),
      headers: operator,
    },
  ]),
  {
    title: 'with a wrong password of the operator',
    nsid: `${admin}.getAccountInfo`,
    params: (host) => ({ did: did(host) }),
    headers: () => ({ authorization: `Basic ${btoa('admin:x')}` }),
  },
  {
    title: 'several accounts',
    nsid: `${admin}.getAccountInfos`,
    params: (host) => ({ dids: [did(host), did(host, 'bob'), NOBODY] }),
    headers: operator,
  },
  { title: 'no accounts', nsid: `${admin}.getAccountInfos`, headers: operator },
  {
    title: 'the status of a record',
    nsid: `${admin}.getSubjectStatus`,
    params: (host) => ({ uri: uri(host, key('one')) }),
    headers: operator,
  },
  { title: 'the status of nothing', nsid: `${admin}.getSubjectStatus`, headers: operator },
  {
    title: 'a record is taken down',
    nsid: `${admin}.updateSubjectStatus`,
    body: (host) => ({
      subject: {
        $type: 'com.atproto.repo.strongRef',
        uri: uri(host, key('one')),
        cid: host.kept.one,
      },
      takedown: { applied: true, ref: 'r' },
    }),
    headers: operator,
  },
  {
    title: 'the status of a record that is taken down',
    nsid: `${admin}.getSubjectStatus`,
    params: (host) => ({ uri: uri(host, key('one')) }),
    headers: operator,
  },
  {
    title: 'a record that is taken down is read',
    nsid: `${repo}.getRecord`,
    params: (host) => ({ repo: did(host), collection: POST, rkey: key('one') }),
  },
  {
    title: 'a blob is taken down',
    nsid: `${admin}.updateSubjectStatus`,
    body: (host) => ({
      subject: { $type: 'com.atproto.admin.defs#repoBlobRef', did: did(host), cid: host.kept.blob },
      takedown: { applied: true },
    }),
    headers: operator,
  },
  {
    title: 'a blob that is taken down is read',
    nsid: `${sync}.getBlob`,
    params: (host) => ({ did: did(host), cid: host.kept.blob! }),
  },
  {
    title: 'the status of a blob',
    nsid: `${admin}.getSubjectStatus`,
    params: (host) => ({ did: did(host), blob: host.kept.blob! }),
    headers: operator,
  },
  {
    title: 'nothing is taken down',
    nsid: `${admin}.updateSubjectStatus`,
    body: () => ({ subject: { $type: 'x.y.z' }, takedown: { applied: true } }),
    headers: operator,
  },
  {
    title: 'taken down by an account',
    nsid: `${admin}.updateSubjectStatus`,
    body: (host) => ({
      subject: { $type: 'com.atproto.admin.defs#repoRef', did: did(host) },
      takedown: { applied: true },
    }),
    headers: as('alice'),
  },
  {
    title: 'nobody is taken down',
    nsid: `${admin}.updateSubjectStatus`,
    body: () => ({
      subject: { $type: 'com.atproto.admin.defs#repoRef', did: NOBODY },
      takedown: { applied: true },
    }),
    headers: operator,
  },
  { title: 'all invites', nsid: `${admin}.getInviteCodes`, headers: operator },
  {
    title: 'all invites by use',
    nsid: `${admin}.getInviteCodes`,
    params: () => ({ sort: 'usage', limit: '1' }),
    headers: operator,
  },
  {
    title: 'invites in no order',
    nsid: `${admin}.getInviteCodes`,
    params: () => ({ sort: 'x' }),
    headers: operator,
  },
  {
    title: 'invites are ended',
    nsid: `${admin}.disableInviteCodes`,
    body: (host) => ({ codes: [host.kept.invite] }),
    headers: operator,
  },
  {
    title: 'invites of everybody are ended',
    nsid: `${admin}.disableInviteCodes`,
    body: () => ({ accounts: ['admin'] }),
    headers: operator,
  },
  {
    title: 'an account may not invite',
    nsid: `${admin}.disableAccountInvites`,
    body: (host) => ({ account: did(host) }),
    headers: operator,
  },
  {
    title: 'an account may invite',
    nsid: `${admin}.enableAccountInvites`,
    body: (host) => ({ account: did(host) }),
    headers: operator,
  },
  {
    title: 'nobody may invite',
    nsid: `${admin}.enableAccountInvites`,
    body: () => ({ account: NOBODY }),
    headers: operator,
  },
  {
    title: 'a letter to nobody',
    nsid: `${admin}.sendEmail`,
    body: () => ({ recipientDid: NOBODY, senderDid: NOBODY, content: 'x', subject: 'x' }),
    headers: operator,
  },
  {
    title: 'a letter',
    nsid: `${admin}.sendEmail`,
    body: (host) => ({ recipientDid: did(host), senderDid: NOBODY, content: 'x', subject: 'x' }),
    headers: operator,
  },
  {
    title: 'the operator sets an address',
    nsid: `${admin}.updateAccountEmail`,
    body: (host) => ({ account: did(host, 'bob'), email: 'bob2@mail.example' }),
    headers: operator,
  },
  {
    title: 'the operator sets nobody’s address',
    nsid: `${admin}.updateAccountEmail`,
    body: () => ({ account: NOBODY, email: 'bob2@mail.example' }),
    headers: operator,
  },
  {
    title: 'the operator sets a handle',
    nsid: `${admin}.updateAccountHandle`,
    body: (host) => ({ did: did(host, 'bob'), handle: `bob2.${host.hostname}` }),
    headers: operator,
  },
  {
    title: 'the operator sets a handle that is taken',
    nsid: `${admin}.updateAccountHandle`,
    body: (host) => ({ did: did(host, 'bob'), handle: `alice2.${host.hostname}` }),
    headers: operator,
  },
  {
    title: 'the operator sets nobody’s handle',
    nsid: `${admin}.updateAccountHandle`,
    body: (host) => ({ did: NOBODY, handle: `b.${host.hostname}` }),
    headers: operator,
  },
  {
    title: 'the operator sets a password',
    nsid: `${admin}.updateAccountPassword`,
    body: (host) => ({ did: did(host, 'bob'), password: 'another one of bob' }),
    headers: operator,
  },
  // Standing
  {
    title: 'an account is deactivated',
    nsid: `${server}.deactivateAccount`,
    body: () => ({}),
    headers: as('alice'),
  },
  {
    title: 'an account is deactivated again',
    nsid: `${server}.deactivateAccount`,
    body: () => ({ deleteAfter: '2030-01-01T00:00:00.000Z' }),
    headers: as('alice'),
  },
  {
    title: 'an account is activated',
    nsid: `${server}.activateAccount`,
    body: () => undefined,
    headers: as('alice'),
  },
  {
    title: 'an account is activated again',
    nsid: `${server}.activateAccount`,
    body: () => undefined,
    headers: as('alice'),
  },
  {
    title: 'who is taken down comes back',
    nsid: `${admin}.updateSubjectStatus`,
    body: (host) => ({
      subject: { $type: 'com.atproto.admin.defs#repoRef', did: did(host, 'dave') },
      takedown: { applied: false },
    }),
    headers: operator,
  },
  {
    title: 'the operator deletes an account',
    nsid: `${admin}.deleteAccount`,
    body: (host) => ({ did: did(host, 'dave') }),
    headers: operator,
  },
  {
    title: 'the operator deletes nobody',
    nsid: `${admin}.deleteAccount`,
    body: () => ({ did: NOBODY }),
    headers: operator,
  },
  {
    title: 'the repository of who was deleted',
    nsid: `${sync}.getRepo`,
    params: (host) => ({ did: did(host, 'dave') }),
  },
  {
    title: 'the standing of who was deleted',
    nsid: `${sync}.getRepoStatus`,
    params: (host) => ({ did: did(host, 'dave') }),
  },
  { title: 'a queue to sign up', nsid: 'com.atproto.temp.checkSignupQueue', headers: as('alice') },
  // Elsewhere
  {
    title: 'preferences are put',
    nsid: 'app.bsky.actor.putPreferences',
    body: () => ({
      preferences: [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: true }],
    }),
    headers: as('alice'),
  },
  {
    title: 'preferences that are none are put',
    nsid: 'app.bsky.actor.putPreferences',
    body: () => ({ preferences: [{ enabled: true }] }),
    headers: as('alice'),
  },
  {
    title: 'preferences of another namespace are put',
    nsid: 'app.bsky.actor.putPreferences',
    body: () => ({ preferences: [{ $type: 'com.example.pref', enabled: true }] }),
    headers: as('alice'),
  },
  { title: 'preferences', nsid: 'app.bsky.actor.getPreferences', headers: as('alice') },
  { title: 'preferences of nobody', nsid: 'app.bsky.actor.getPreferences' },
  {
    title: 'a service that is none',
    nsid: 'app.bsky.feed.getTimeline',
    headers: (host) => ({ ...as('alice')(host), 'atproto-proxy': 'x' }),
  },
  {
    title: 'a service that is nowhere',
    nsid: 'app.bsky.feed.getTimeline',
    headers: (host) => ({ ...as('alice')(host), 'atproto-proxy': `${NOBODY}#bsky_appview` }),
  },
  {
    title: 'a service without its name',
    nsid: 'app.bsky.feed.getTimeline',
    headers: (host) => ({ ...as('alice')(host), 'atproto-proxy': NOBODY }),
  },
  {
    title: 'an app view that is not there',
    nsid: 'app.bsky.feed.getTimeline',
    headers: as('alice'),
  },
]
