/** A fleet as somebody at a terminal sees it: one bar for all, and a line for each account on its way. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type FleetView, getFleet } from '#protocol/account'
import { type XrpcClient, XrpcError } from '#protocol/xrpc'
import { bar, showLines } from '../terminal.ts'

/** A host that is being started again is asked once a second, for ten minutes. */
const AWAY_TRIES = 600
/** The picture is not drawn more often. */
const DRAWN_EVERY_MS = 250

/** Shows a fleet until it is as wanted. */
export async function watchFleet(
  client: XrpcClient,
  id: string,
  isEnough: (fleet: FleetView) => boolean,
): Promise<FleetView> {
  let shown = ''
  let after: number | undefined
  for (;;) {
    const fleet = await ask(client, id, after)
    const lines = picture(fleet, process.stderr.isTTY)
    if (lines.join() !== shown) showLines(lines)
    shown = lines.join()
    if (isEnough(fleet)) return fleet
    after = fleet.version
    await sleep(DRAWN_EVERY_MS)
  }
}

async function ask(client: XrpcClient, id: string, after: number | undefined): Promise<FleetView> {
  for (let tries = 1; ; tries++) {
    try {
      return (await client.get(getFleet, { id, ...(after !== undefined && { after }) })).fleet
    } catch (error) {
      const isAway = error instanceof XrpcError && error.status >= 500
      if (!isAway || tries === AWAY_TRIES) throw error
      await sleep(1_000)
    }
  }
}

/** Without `isWide` one line, of what changes with accounts alone. */
export function picture(fleet: FleetView, isWide = false): string[] {
  const { counts, state, wave, waves } = fleet
  const left = counts.waiting + (state === 'checking' ? 0 : counts.checked)
  const total = counts.total
  const done =
    state === 'checking' ? total - counts.waiting : total - left - counts.moving - counts.owner
  const parts = [
    wave !== undefined && waves.length > 1 && `wave ${wave} of ${waves.at(-1)!.wave}`,
    counts.done > 0 && `${counts.done} moved`,
    counts.moving > 0 && `${counts.moving} on their way`,
    counts.owner > 0 && `${counts.owner} wait for their owners`,
    counts.blocked > 0 && `${counts.blocked} cannot begin`,
    counts.failed > 0 && `${counts.failed} failed`,
    counts.abandoned > 0 && `${counts.abandoned} given up`,
  ].filter(Boolean)
  const head = `${state} ${bar({ done, total })} ${done}/${total}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`
  if (!isWide) return [head]
  return [
    head,
    ...fleet.moving.map(({ account, step, blobs, bytes, bytesPerSecond, problem }) => {
      const said = [
        step === 'blobs' && blobs && `${bar(blobs)} ${blobs.done}/${blobs.total}`,
        bytes && megabytes(bytes),
        bytesPerSecond && `${megabytes(bytesPerSecond)}/s`,
        problem,
      ].filter(Boolean)
      return `  ${account}  ${[step, ...said].join(' ')}`
    }),
  ]
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
