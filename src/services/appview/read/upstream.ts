import { UpstreamError } from '#protocol/identity'
import { XrpcError } from '#protocol/xrpc'

/** Asks the directory for a caller: when nobody can say just now, that is a 502 or 504, not our 500. */
export async function askUpstream<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error
    const status = error.code === 'UpstreamTimeout' ? 504 : 502
    throw new XrpcError(status, error.code, `${error.host} could not be asked`, { cause: error })
  }
}
