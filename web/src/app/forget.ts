/** Leaving nothing behind on this device. */

/** Clears everything that this client keeps here, then starts it anew. Accounts are not touched. */
export async function forgetDevice(): Promise<void> {
  try {
    localStorage.clear()
    sessionStorage.clear()
    for (const name of (await globalThis.caches?.keys()) ?? []) await caches.delete(name)
  } finally {
    location.assign('/')
  }
}
