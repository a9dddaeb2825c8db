/** One copy of each post and person: every place that shows it follows the same signal. */
import { type Signal, signal } from '@preact/signals'
import type { Person, Post, Profile } from './views.ts'

const posts = new Map<string, Signal<Post>>()
const people = new Map<string, Signal<Profile>>()
const gone = new Map<string, Signal<boolean>>()

/** Takes in a post as the app view told it and returns the signal that shows it. */
export function keepPost(post: Post): Signal<Post> {
  keepPerson(post.author)
  const known = posts.get(post.uri)
  if (!known) {
    const made = signal(post)
    posts.set(post.uri, made)
    return made
  }
  if (known.peek() !== post && !busy.has(post.uri)) known.value = post
  return known
}

/** The signal of a post that a page shows; what is known of it is never overwritten. For rendering. */
export function postOf(post: Post): Signal<Post> {
  return posts.get(post.uri) ?? keepPost(post)
}

/** The signal of a person that a page shows; like `postOf`. */
export function personOf(person: Person): Signal<Profile> {
  return people.get(person.did) ?? keepPerson(person)
}

/** The post's signal, if any page has met it. */
export function knownPost(uri: string): Signal<Post> | undefined {
  return posts.get(uri)
}

/** Takes in a person; a fuller view keeps what a thinner one leaves out. */
export function keepPerson(person: Person): Signal<Profile> {
  const known = people.get(person.did)
  if (!known) {
    const made = signal<Profile>(person)
    people.set(person.did, made)
    return made
  }
  if (!busy.has(person.did)) {
    const before = known.peek()
    const viewer = person.viewer ?? before.viewer
    const next = { ...before, ...person, viewer }
    if (Object.keys(next).some((name) => differ(next, before, name))) known.value = next
  }
  return known
}

function differ(a: object, b: object, name: string): boolean {
  const left = (a as Record<string, unknown>)[name]
  const right = (b as Record<string, unknown>)[name]
  return left !== right && JSON.stringify(left) !== JSON.stringify(right)
}

export function knownPerson(did: string): Signal<Profile> | undefined {
  return people.get(did)
}

// While a change is under way, an answer that was asked for before it must not undo it on screen.
const busy = new Set<string>()

/** Runs `work` while answers from elsewhere leave `id` alone. */
export async function whileChanging<T>(id: string, work: () => Promise<T>): Promise<T> {
  busy.add(id)
  try {
    return await work()
  } finally {
    busy.delete(id)
  }
}

/** Whether a post was deleted in this session; lists hide it at once. */
export function isGone(uri: string): Signal<boolean> {
  const known = gone.get(uri)
  if (known) return known
  const made = signal(false)
  gone.set(uri, made)
  return made
}

/** Forgets everything that was read, for another person at the same screen. */
export function forgetRead(): void {
  posts.clear()
  people.clear()
  gone.clear()
}
