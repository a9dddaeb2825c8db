/** What this network is made of, as the web service says in /config.json. */
import { signal } from '@preact/signals'

export interface HostConfig {
  url: string
  /** Domains it hands handles out under, each with its leading dot. */
  handleDomains: string[]
}

export interface Config {
  pds: HostConfig[]
  plc: string
  appview: { url: string; did?: string }
  relay?: { url: string }
  jetstream?: { url: string }
  /** The feeds of this network, by the records that publish them. */
  feeds?: { url: string; did?: string; uris: string[] }
  search?: { url: string }
  moderation?: { url: string; did?: string }
  languages: string[]
}

export const config = signal<Config | undefined>(undefined)

/** The configuration, once loaded; pages are only shown after it is. */
export function network(): Config {
  const current = config.peek()
  if (!current) throw new Error('the configuration is not loaded yet')
  return current
}

/** Loads /config.json; throws when it cannot be had. */
export async function loadConfig(): Promise<void> {
  const response = await fetch('/config.json', { signal: AbortSignal.timeout(10_000) })
  if (!response.ok) throw new Error(`config.json answered ${response.status}`)
  config.value = readConfig(await response.json())
}

function readConfig(json: Partial<Config>): Config {
  const url = (text: unknown) => String(text ?? '').replace(/\/+$/, '')
  return {
    pds: (json.pds ?? []).map((host) => ({
      url: url(host.url),
      handleDomains: host.handleDomains ?? [],
    })),
    plc: url(json.plc),
    appview: { ...json.appview, url: url(json.appview?.url) },
    relay: json.relay && { url: url(json.relay.url) },
    jetstream: json.jetstream && { url: url(json.jetstream.url) },
    feeds: json.feeds && {
      ...json.feeds,
      url: url(json.feeds.url),
      uris: json.feeds.uris ?? [],
    },
    search: json.search && { url: url(json.search.url) },
    moderation: json.moderation && { ...json.moderation, url: url(json.moderation.url) },
    languages: json.languages ?? ['ar', 'en'],
  }
}
