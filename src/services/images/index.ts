/**
 * The image service. Serves the pictures of records in the sizes that clients ask for: fetched from the
 * account's host, checked against their CID, made upright and small, kept for a while.
 */
import type { Log, Metrics, Outside, Service } from '#platform/runtime'
import type { Blobs, Sql } from '#platform/storage'
import { cachedDirectory, networkDirectory, type PlcUrls } from '#protocol/identity'
import { createRouter, failureLog, type HttpResponse } from '#protocol/xrpc'
import type { ImagesConfig } from './config.ts'
import { Originals, Pictures, Shelf, ShownAccounts } from './pictures/index.ts'

export { type ImagesConfig, imagesConfig } from './config.ts'

/** Where the migrations of the shelf's list are. */
export const imagesMigrations = new URL('./migrations/', import.meta.url)

export interface ImagesDeps {
  /** Opened with `imagesMigrations`; can be thrown away together with `blobs`. */
  sql: Sql
  /** Where finished pictures are kept. */
  blobs: Blobs
  outside: Outside
  log: Log
  metrics: Metrics
  version: string
  /** Local mode: hosts may be reached without TLS. */
  local: boolean
}

export async function createImages(
  config: Omit<ImagesConfig, 'plc'> & { plc: PlcUrls },
  { sql, blobs, outside, log, metrics, version, local }: ImagesDeps,
): Promise<Service> {
  const { now, timers, resolveTxt } = outside
  const fetch: Outside['fetch'] = (url, init) => outside.fetch(url, init)
  const directory = cachedDirectory(
    networkDirectory({ plcUrl: config.plc, fetch, timers, resolveTxt, allowHttp: local }),
    { now },
  )
  const pictures = new Pictures({
    originals: new Originals({ directory, fetch, now, bytesMax: config.sourceBytesMax }),
    shelf: await Shelf.open({ sql, blobs, now, bytesMax: config.shelfBytes }),
    shown: new ShownAccounts({ appview: config.appview, fetch, now }),
    now,
    metrics,
    log,
    memoryBytes: config.memoryBytes,
    pixelsMax: config.sourcePixelsMax,
    atOnce: config.atOnce,
  })
  const router = createRouter([], {
    health: () => ({ version }),
    onFailure: failureLog(log),
  })
  return {
    name: 'images',
    handle: (request) =>
      request.path.startsWith('/xrpc/')
        ? router.handle(request)
        : (pictures.handle(request) ?? otherPath(request.path)),
    loops: [],
    close: async () => {},
  }
}

function otherPath(path: string): HttpResponse {
  const headers = { 'content-type': 'text/plain; charset=utf-8' }
  if (path === '/') return { status: 200, headers, body: 'Pictures of the AT Protocol, by CID\n' }
  return { status: 404, headers, body: 'Not found\n' }
}
