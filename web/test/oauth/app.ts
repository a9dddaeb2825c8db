/** A small app of somebody else's: the official browser client and nothing of ours. Bundled by the stage. */
import {
  BrowserOAuthClient,
  OAuthCallbackError,
  type OAuthSession,
} from '@atproto/oauth-client-browser'

const { host, directory, scope } = document.documentElement.dataset as Record<string, string>
const query = new URLSearchParams({ redirect_uri: `${location.origin}/`, scope: scope! })
const client = await BrowserOAuthClient.load({
  clientId: `http://localhost?${query}`,
  handleResolver: host!,
  plcDirectoryUrl: directory!,
  allowHttp: true,
})

const say = (text: string) => {
  document.querySelector('output')!.textContent = text
}
const on = (id: string, run: () => Promise<void>) => {
  document.getElementById(id)!.addEventListener('click', () => {
    run().catch((error) => say(`failed: ${error}`))
  })
}
let session: OAuthSession | undefined

on('sign-in', async () => {
  await client.signInRedirect(document.querySelector('input')!.value)
})
on('write', async () => {
  const record = {
    $type: 'app.bsky.feed.post',
    text: 'from an app that was let in',
    createdAt: new Date().toISOString(),
  }
  const response = await session!.fetchHandler('/xrpc/com.atproto.repo.createRecord', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ repo: session!.did, collection: 'app.bsky.feed.post', record }),
  })
  say(response.ok ? 'written' : `refused: ${(await response.json()).error}`)
})
on('renew', async () => {
  const { scope: granted } = await session!.getTokenInfo(true)
  say(`renewed: ${granted}`)
})
on('sign-out', async () => {
  await session!.signOut()
  say('signed out')
})

try {
  session = (await client.init())?.session
  say(session ? `signed in: ${session.did}` : 'signed out')
} catch (error) {
  say(`failed: ${error instanceof OAuthCallbackError ? error.params.get('error') : error}`)
}
