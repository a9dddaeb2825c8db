/** Every service this program can host, in the order they start: each needs only those before it. */
import type { ServicePart } from './part.ts'
import { appviewPart } from './parts/appview.ts'
import { feedsPart } from './parts/feeds.ts'
import { imagesPart } from './parts/images.ts'
import { jetstreamPart } from './parts/jetstream.ts'
import { moderationPart } from './parts/moderation.ts'
import { pdsPart } from './parts/pds.ts'
import { plcPart } from './parts/plc.ts'
import { relayPart } from './parts/relay.ts'
import { searchPart } from './parts/search.ts'
import { vaultPart } from './parts/vault.ts'
import { webPart } from './parts/web.ts'
import { witnessPart } from './parts/witness.ts'

// biome-ignore lint/suspicious/noExplicitAny: each part knows the type of its own configuration
export const parts: readonly ServicePart<any>[] = [
  plcPart,
  relayPart,
  jetstreamPart,
  searchPart,
  pdsPart,
  appviewPart,
  imagesPart,
  moderationPart,
  feedsPart,
  vaultPart,
  witnessPart,
  webPart,
]

/** Their names, which are also the commands that start them. */
export const partNames: readonly string[] = parts.map((part) => part.kind)
