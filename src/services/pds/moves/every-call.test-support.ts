/**
 * A move is nothing but calls between hosts: at each of them one of the hosts dies, or the owner gives up.
 * The calls are counted as they are made, so that no step is left out, whatever steps there are.
 */
import assert from 'node:assert/strict'
import type { MoveReceipt, MoveView } from '#protocol/account'
import type { Person, TestHost } from '../testing/host.test-support.ts'
import { type Identity, MovingWorld, NEW, OLD, type Sent } from './moving-world.test-support.ts'

/** Whose life ends: the new host before a call is made, or the old one when it has done what was asked, unheard. */
export type Dying = 'new' | 'old'

/** Tables of a host that tell when somebody came by, or what was signed for them, not what is there. */
const PASSING =
  /^(made_operations|refresh_tokens|ended_sessions|codes|letters|jobs|sign_ins|moves|used_tokens)/

export class EveryCall extends MovingWorld {
  readonly #calls: string[] = []

  /** How many calls the job of a move makes, each with its name; nothing happens to it. */
  async count(identity: Identity): Promise<readonly string[]> {
    this.#calls.length = 0
    this.breaks = ({ nsid, origin }) => {
      this.#calls.push(`${nsid} at ${origin === OLD ? 'the old host' : 'the new host'}`)
      return undefined
    }
    const person = await this.person(identity)
    this.#calls.length = 0
    await this.#begin(person)
    // What was asked to begin it is no part of the job.
    const before = this.#calls.length
    const jobs = this.destination.loop('moves')
    await this.end(person)
    await jobs.stop()
    this.mend()
    return this.#calls.slice(before)
  }

  async #begin(person: Person): Promise<void> {
    const begun = await this.start(person)
    assert.equal(begun.status, 200, JSON.stringify(begun.body))
  }

  /** A host dies at the call of that number, and begins again with what is on its disk then. */
  async killAt(identity: Identity, number: number, dying: Dying): Promise<string> {
    const person = await this.person(identity)
    await this.#begin(person)
    const killed = Promise.withResolvers<string>()
    let made = 0
    let replaced: Promise<TestHost> | undefined
    this.breaks = (sent, pass) => {
      const url = dying === 'new' ? NEW : OLD
      if (replaced || sent.origin === '' || made++ < number) return undefined
      if (dying === 'old' && sent.origin !== OLD) return undefined
      const die = () => {
        const host = dying === 'new' ? this.destination : this.source
        replaced = this.replace(url, host.copy())
        killed.resolve(sent.nsid)
        return new TypeError('the connection broke')
      }
      return dying === 'new' ? die() : pass().then(() => Promise.reject(die()))
    }
    const jobs = this.destination.loop('moves')
    const ended = this.end(person)
    const nsid = await Promise.race([killed.promise, ended.then(() => 'nothing')])
    if (dying === 'new') await jobs.stop()
    await replaced
    const again = dying === 'new' ? this.destination.loop('moves') : jobs
    const { receipt } = (await ended) as { receipt: MoveReceipt }
    await again.stop()
    this.mend()
    assert.deepEqual([receipt.sameRoot, receipt.missingBlobs], [true, []], nsid)
    await this.isWhole(person)
    return nsid
  }

  /** The owner gives up while the call of that number is on its way; false when it was too late for that. */
  async giveUpAt(identity: Identity, number: number): Promise<boolean> {
    const person = await this.person(identity)
    const before = await traces(this.source, person)
    const events = (await this.destination.events()).length
    await this.#begin(person)
    const reached = Promise.withResolvers<void>()
    const decided = Promise.withResolvers<void>()
    let made = 0
    this.breaks = (_sent: Sent, pass) => {
      if (made++ !== number) return undefined
      reached.resolve()
      return decided.promise.then(pass)
    }
    const jobs = this.destination.loop('moves')
    const { accessJwt: token } = await this.arrive(person)
    let move: MoveView | undefined
    await this.destination.until(async () => {
      await this.outside.advance(20)
      ;({ move } = (await this.destination.get('app.falaj.move.get', {}, token)).body)
      if (move?.needs === 'document') this.publish(person.did, move.wanted!)
      return made > number
    })
    const giving = this.destination.post('app.falaj.move.abandon', { id: move!.id }, token)
    decided.resolve()
    const given = await giving
    this.mend()
    if (given.status !== 200) {
      assert.equal(given.body.error, 'NotNow', JSON.stringify(given.body))
      await this.end(person)
      await jobs.stop()
      await this.isWhole(person)
      return false
    }
    await jobs.stop()
    const erasing = this.destination.loop('jobs')
    await this.destination.until(() => this.destination.filesOf(person.did).length === 0)
    await erasing.stop()
    const { accounts, ...left } = await traces(this.destination, person)
    assert.deepEqual(left, {}, 'nothing is left at the new host')
    const [stone] = accounts as Record<string, unknown>[]
    const { status, email, password_hash, data_key, signing_key, head } = stone!
    // The journal numbers what it held: of the account itself only that it is gone.
    assert.deepEqual(
      [status, email, password_hash, data_key, signing_key, head],
      ['deleted', null, '', new Uint8Array(), new Uint8Array(), null],
    )
    assert.equal((await this.destination.events()).length, events, 'the network never heard of it')
    assert.deepEqual(await traces(this.source, person), before, 'the old host is as it was')
    if (identity === 'plc') assert.equal(this.homeOf(person.did).pds, OLD)
    assert.equal((await this.source.write(person, 'still at home')).status, 200)
    return true
  }
}

/** Every row of a host's directory that names somebody, by table, and the files it keeps of them. */
async function traces(host: TestHost, { did }: Person) {
  const found: { accounts?: unknown; [table: string]: unknown } = {}
  const tables = await host.sql.all<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
  )
  for (const { name } of tables) {
    if (PASSING.test(name)) continue
    const rows = await host.sql.all<Record<string, unknown>>(`SELECT * FROM ${name}`)
    const theirs = rows.filter((row) => Object.values(row).includes(did))
    // An instant that has passed; that writes are let in is tried.
    for (const row of theirs) if ('frozen_until_ms' in row) row.frozen_until_ms = 0
    if (theirs.length > 0) found[name] = theirs
  }
  const files = host.filesOf(did)
  if (files.length > 0) found.files = files.sort()
  return found
}
