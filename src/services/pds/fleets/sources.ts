/** The old host of a fleet: its accounts opened, looked at, and begun to move, within the fleet's budget. */
import { ComAtprotoServerGetSession, ComAtprotoServerRefreshSession } from '@atcute/atproto'
import {
  confirmPassword,
  isUnknownMethod,
  letGo,
  type MoveOutlook,
  moveSteps,
} from '#protocol/account'
import { base32 } from '#protocol/crypto'
import type { CachedDirectory, PlcClient } from '#protocol/identity'
import type { Did, Handle } from '#protocol/syntax'
import { type Fetch, XrpcError, xrpcClient } from '#protocol/xrpc'
import type { Accounts } from '../accounts/index.ts'
import type { Handles } from '../handles/index.ts'
import type { Host } from '../host/index.ts'
import { type Budgets, type Moves, OtherHosts, pacedFetch } from '../moves/index.ts'
import type { Fleet, FleetRows, Member } from './fleet-rows.ts'

/** It stays where it is, and trying again changes nothing. */
export class CannotGo extends Error {
  override readonly name = 'CannotGo'
}

/** An account of the old host, open for a move. */
export interface OpenedSource {
  source: string
  session: { accessJwt: string; refreshJwt: string }
  did: Did
  handle: Handle
  email: string | undefined
  code: string | undefined
  passwordHash: string | undefined
  /** The session was opened here, and ends here when nothing comes of it. */
  isOwn: boolean
}

interface SourcesDeps {
  rows: FleetRows
  moves: Moves
  accounts: Accounts
  handles: () => Handles
  host: Host
  budgets: Budgets
  directory: CachedDirectory
  plc: PlcClient
  fetch: Fetch
  random: (byteCount: number) => Uint8Array
}

export class Sources {
  readonly #deps: SourcesDeps

  constructor(deps: SourcesDeps) {
    this.#deps = deps
  }

  /** What moving an account would do; nothing is changed. Throws what stands in the way of looking. */
  async look(
    fleet: Fleet,
    member: Member,
    signal: AbortSignal,
  ): Promise<{ did: Did; plan: MoveOutlook }> {
    const fetch = this.#fetch(fleet, signal)
    const opened = await this.#open(fleet, member, fetch, true)
    try {
      const plan = await this.#deps.moves.plan(opened, fetch)
      const here = await this.#obstaclesHere(member, opened, plan)
      const letter = member.proof !== 'operator' && (await this.#sendsLetters(opened, fetch))
      const cautions = [...(plan.cautions ?? []), ...(letter ? ['letter-needed'] : [])]
      return {
        did: opened.did,
        plan: { ...plan, cautions, obstacles: [...plan.obstacles, ...here] },
      }
    } finally {
      await this.leave(opened)
    }
  }

  /** What the account cannot have here. */
  async #obstaclesHere(
    member: Member,
    { did, email, handle: handleThere }: OpenedSource,
    { inviteRequired }: MoveOutlook,
  ): Promise<string[]> {
    const { accounts, handles, rows } = this.#deps
    const secrets = await rows.secrets(member)
    const handle = member.handle ?? handleThere
    const holder = await accounts.find(handle)
    const mail = secrets.email ?? email
    const reader = mail && (await accounts.byEmail(mail))
    const obstacles = [
      holder && holder.did !== did && 'handle-taken',
      reader && reader.did !== did && 'email-taken',
      inviteRequired && !secrets.inviteCode && 'invite-needed',
      member.proof === 'session' && !secrets.newPassword && 'password-needed',
    ]
    const isUnproven =
      !holder &&
      member.handle !== undefined &&
      !(await handles()
        .requireFor(did, member.handle)
        .then(
          () => true,
          () => false,
        ))
    return [...obstacles, isUnproven && 'handle-unproven'].filter((one) => typeof one === 'string')
  }

  /** Whether the code for the change of identity comes by letter, so that its owner has to take part. */
  async #sendsLetters({ source, session }: OpenedSource, fetch: Fetch): Promise<boolean> {
    const headers = { authorization: `Bearer ${session.accessJwt}` }
    const client = xrpcClient({ service: source, fetch, headers })
    try {
      // No password: it is refused before anything is made, or not asked for at all.
      await client.post(confirmPassword, { password: '', purpose: 'plc-operation' })
      return false
    } catch (error) {
      if (!(error instanceof XrpcError)) throw error
      return error.error === 'MailRequired' || isUnknownMethod(error)
    }
  }

  /** Opens the account for its move. Throws CannotGo, and what the old host says. */
  open(fleet: Fleet, member: Member, signal: AbortSignal): Promise<OpenedSource> {
    return this.#open(fleet, member, this.#fetch(fleet, signal), false)
  }

  async #open(fleet: Fleet, member: Member, fetch: Fetch, isCheck: boolean): Promise<OpenedSource> {
    switch (member.proof) {
      case 'operator':
        return this.#letGo(fleet, member, fetch, isCheck)
      case 'session':
        return this.#renew(fleet, member, fetch)
      case 'password':
        return this.#signIn(fleet, member, fetch, isCheck)
    }
  }

  async #letGo(fleet: Fleet, member: Member, fetch: Fetch, isCheck: boolean) {
    const operator = await this.#deps.rows.operator(fleet.id)
    if (!operator) throw new CannotGo('No operator of the old host is known')
    const bytes = new TextEncoder().encode(`${operator.name}:${operator.password}`)
    const headers = { authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` }
    const client = xrpcClient({ service: fleet.source, fetch, headers })
    // Signed already: the owner need not be told again.
    const check = isCheck || (await this.#isSigned(member))
    const account = member.did ?? member.account
    const input = { account, check, to: this.#deps.host.publicUrl }
    const { did, handle, email, accessJwt, refreshJwt, code, passwordHash } = await client.post(
      letGo,
      input,
    )
    const session = { accessJwt, refreshJwt }
    const { source } = fleet
    return { source, session, did, handle, email, code, passwordHash, isOwn: true }
  }

  async #isSigned({ move }: Member): Promise<boolean> {
    const row = move === undefined ? undefined : await this.#deps.moves.row(move)
    return row !== undefined && moveSteps.indexOf(row.shown.step) > moveSteps.indexOf('switch')
  }

  async #signIn(fleet: Fleet, member: Member, fetch: Fetch, isCheck: boolean) {
    const { directory, plc, rows } = this.#deps
    const { password } = await rows.secrets(member)
    if (password === undefined) throw new CannotGo('The table gives no password')
    const there = new OtherHosts({ fetch, directory, plc })
    const { source } = fleet
    const signedIn = await there.signIn({ name: member.account, password, source })
    const code = isCheck ? undefined : await there.code(signedIn, password)
    return { ...signedIn, code, passwordHash: undefined, isOwn: true }
  }

  /** Its tokens are others each time: they are kept before they are used. */
  async #renew(fleet: Fleet, member: Member, fetch: Fetch) {
    const { rows } = this.#deps
    const secrets = await rows.secrets(member)
    if (!secrets.refreshJwt) throw new CannotGo('The table gives no session')
    const { source } = fleet
    const client = xrpcClient({ service: source, fetch })
    const renewing = { headers: { authorization: `Bearer ${secrets.refreshJwt}` } }
    const schema = ComAtprotoServerRefreshSession.mainSchema
    const { accessJwt, refreshJwt, did, handle } = await client.post(
      schema,
      undefined,
      {},
      renewing,
    )
    await rows.set(member, { secrets: { ...secrets, refreshJwt } })
    const headers = { authorization: `Bearer ${accessJwt}` }
    const get = ComAtprotoServerGetSession.mainSchema
    const { email } = await client.get(get, {}, { headers })
    const session = { accessJwt, refreshJwt }
    const unknown = { code: undefined, passwordHash: undefined }
    return { source, session, did, handle, email, ...unknown, isOwn: false }
  }

  /** Makes the account here and the job that does the rest. */
  async begin(fleet: Fleet, member: Member, opened: OpenedSource, signal: AbortSignal) {
    const { moves, random, rows } = this.#deps
    const secrets = await rows.secrets(member)
    const { inviteCode, email = opened.email } = secrets
    const own = secrets.newPassword ?? secrets.password
    const password = own ?? secrets.placeholder ?? base32(random(20))
    if (own === undefined && member.proof !== 'operator') {
      throw new CannotGo('The table gives no password for the account here')
    }
    // Known before it is used: whoever begins again signs in with it.
    if (own === undefined && secrets.placeholder === undefined) {
      await rows.set(member, { secrets: { ...secrets, placeholder: password } })
    }
    const { source, session, code } = opened
    const { handle } = member
    const asked = { source, session, code, password, email, inviteCode, handle, fleet: fleet.id }
    return moves.begin(asked, this.#fetch(fleet, signal))
  }

  /** Lets a move that stopped go on, with a fresh session. */
  goOn(fleet: Fleet, id: string, opened: OpenedSource, signal: AbortSignal): Promise<void> {
    return this.#deps.moves.goOn(id, opened, this.#fetch(fleet, signal))
  }

  /** Ends a session that was opened for a move which will not be; best effort. */
  async leave(opened: OpenedSource): Promise<void> {
    const { directory, fetch, plc } = this.#deps
    if (opened.isOwn) await new OtherHosts({ fetch, directory, plc }).leave(opened)
  }

  #fetch({ id, source }: Fleet, signal: AbortSignal): Fetch {
    const { budgets, fetch } = this.#deps
    const stopped: Fetch = (url, init) =>
      fetch(url, {
        ...init,
        signal: init?.signal ? AbortSignal.any([init.signal, signal]) : signal,
      })
    return pacedFetch(stopped, { budget: budgets.of(id), origin: source, isUrgent: () => false })
  }
}
