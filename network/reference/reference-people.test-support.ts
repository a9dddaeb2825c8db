/** People of a reference PDS, with something of everything it keeps. */

import type { ReferencePds } from './reference-pds.test-support.ts'

export interface ReferencePerson {
  did: string
  handle: string
  email: string
  password: string
  accessJwt: string
  refreshJwt: string
}

/** What there is to be found again, by name. */
export interface ReferencePeople {
  people: Record<string, ReferencePerson>
  appPasswords: { plain: string; privileged: string }
  /** Of alice, opened with her app password. */
  appSession: { accessJwt: string; refreshJwt: string }
  /** Record and blob that the operator took down, of erin. */
  takenDown: { uri: string; cid: string }
  inviteCode: string
  deleted: string
}

export const PREFERENCES = [
  { $type: 'app.bsky.actor.defs#adultContentPref', enabled: false },
  { $type: 'app.bsky.actor.defs#interestsPref', tags: ['water', 'ماء'] },
  { $type: 'app.bsky.actor.defs#personalDetailsPref', birthDate: '1990-01-01T00:00:00.000Z' },
]

const AT = '2026-01-01T00:00:00.000Z'
const POST = 'app.bsky.feed.post'

/** Pixels that differ by name: a picture nobody else has. */
const picture = (name: string, size = 600) => {
  const bytes = new Uint8Array(size)
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  for (let at = 8; at < size; at++) bytes[at] = (name.charCodeAt(at % name.length) * at) & 255
  return bytes
}

/** Makes them: alice, bob, carol (deactivated), dave (taken down), erin, frank (many records), ivan (deleted). */
export async function populate(pds: ReferencePds, hostname: string): Promise<ReferencePeople> {
  const people: Record<string, ReferencePerson> = {}
  const signUp = async (name: string, extra: Record<string, unknown> = {}) => {
    const [email, password] = [`${name}@mail.example`, `password of ${name}`]
    const input = { handle: `${name}.${hostname}`, email, password, ...extra }
    const account = await pds.post('com.atproto.server.createAccount', input)
    people[name] = { ...account, email, password }
    return people[name]!
  }
  const write = (
    who: ReferencePerson,
    collection: string,
    record: Record<string, unknown>,
    rkey?: string,
  ) =>
    pds.post(
      'com.atproto.repo.createRecord',
      { repo: who.did, collection, rkey, record: { $type: collection, createdAt: AT, ...record } },
      who.accessJwt,
    )
  const pictured = async (who: ReferencePerson, name: string, size?: number) => {
    const { blob } = await pds.upload(picture(name, size), 'image/png', who.accessJwt)
    const embed = { $type: 'app.bsky.embed.images', images: [{ image: blob, alt: name }] }
    return { post: await write(who, POST, { text: name, embed }), blob }
  }

  const { code } = await pds.admin('com.atproto.server.createInviteCode', { useCount: 3 })
  const alice = await signUp('alice')
  const bob = await signUp('bob', { inviteCode: code })
  await pds.admin('com.atproto.server.createInviteCode', { useCount: 1, forAccount: bob.did })

  const { blob: avatar } = await pds.upload(picture('avatar'), 'image/png', alice.accessJwt)
  await write(alice, 'app.bsky.actor.profile', { displayName: 'أليس', avatar }, 'self')
  const hello = await write(alice, POST, { text: 'hello from the other house' })
  await pictured(alice, 'the falaj of our village', 40_000)
  const reply = { root: hello, parent: hello }
  await write(bob, POST, { text: 'welcome', reply })
  await write(bob, 'app.bsky.feed.like', { subject: hello })
  await write(bob, 'app.bsky.feed.repost', { subject: hello })
  await write(bob, 'app.bsky.graph.follow', { subject: alice.did })
  await write(alice, 'app.bsky.graph.block', { subject: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' })
  await write(alice, 'com.example.note', { nested: { list: [1, 2, { deep: null }] } })
  await pds.post('app.bsky.actor.putPreferences', { preferences: PREFERENCES }, alice.accessJwt)
  await confirmEmail(pds, alice)
  const appPassword = async (name: string, privileged: boolean) =>
    (await pds.post('com.atproto.server.createAppPassword', { name, privileged }, alice.accessJwt))
      .password as string
  const appPasswords = {
    plain: await appPassword('reader', false),
    privileged: await appPassword('chats', true),
  }
  const appSession = await pds.post('com.atproto.server.createSession', {
    identifier: alice.handle,
    password: appPasswords.plain,
  })

  const carol = await signUp('carol')
  await write(carol, POST, { text: 'before I rest' })
  await pds.post('com.atproto.server.deactivateAccount', {}, carol.accessJwt)

  const dave = await signUp('dave')
  await pictured(dave, 'held back')
  const repoRef = (did: string) => ({ $type: 'com.atproto.admin.defs#repoRef', did })
  await pds.admin('com.atproto.admin.updateSubjectStatus', {
    subject: repoRef(dave.did),
    takedown: { applied: true, ref: 'decision 7' },
  })

  const erin = await signUp('erin')
  const { post, blob } = await pictured(erin, 'not to be seen')
  await pds.admin('com.atproto.admin.updateSubjectStatus', {
    subject: { $type: 'com.atproto.repo.strongRef', uri: post.uri, cid: post.cid },
    takedown: { applied: true, ref: 'decision 8' },
  })
  const cid = blob.ref.$link as string
  await pds.admin('com.atproto.admin.updateSubjectStatus', {
    subject: { $type: 'com.atproto.admin.defs#repoBlobRef', did: erin.did, cid },
    takedown: { applied: true, ref: 'decision 9' },
  })
  await pictured(erin, 'to be seen')

  await writeMany(pds, await signUp('frank'))
  const ivan = await signUp('ivan')
  await write(ivan, POST, { text: 'soon gone' })
  await pds.admin('com.atproto.admin.deleteAccount', { did: ivan.did })
  delete people.ivan
  const takenDown = { uri: post.uri, cid }
  return { people, appPasswords, appSession, takenDown, inviteCode: code, deleted: ivan.did }
}

/** A tree of some height, with holes, and an upload that no record mentions. */
async function writeMany(pds: ReferencePds, frank: ReferencePerson): Promise<void> {
  const notes = Array.from({ length: 120 }, (_, i) => `note-${i}`)
  const collection = 'com.example.note'
  const apply = (writes: unknown[]) =>
    pds.post('com.atproto.repo.applyWrites', { repo: frank.did, writes }, frank.accessJwt)
  const create = (rkey: string) => ({
    $type: 'com.atproto.repo.applyWrites#create',
    ...{ collection, rkey, value: { $type: collection, text: `${rkey} of frank` } },
  })
  for (let at = 0; at < notes.length; at += 40) await apply(notes.slice(at, at + 40).map(create))
  const gone = notes.filter((_, i) => i % 7 === 0)
  const $type = 'com.atproto.repo.applyWrites#delete'
  await apply(gone.map((rkey) => ({ $type, collection, rkey })))
  await pds.upload(picture('never posted'), 'image/png', frank.accessJwt)
}

/** By the code of the letter. */
async function confirmEmail(pds: ReferencePds, who: ReferencePerson): Promise<void> {
  await pds.post('com.atproto.server.requestEmailConfirmation', undefined, who.accessJwt)
  const input = { email: who.email, token: pds.mailedCode(who.did, 'confirm_email') }
  await pds.post('com.atproto.server.confirmEmail', input, who.accessJwt)
}
