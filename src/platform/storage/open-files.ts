import type { Files, OpenFile } from './files.ts'

interface Handle {
  file: Promise<OpenFile>
  users: number
  /** No longer handed out; closed by its last user. */
  gone: boolean
}

/** Read handles kept open and shared by all readers: the least recently used idle one is closed beyond the bound. */
export class OpenFiles {
  readonly #files: Files
  readonly #maxOpen: number
  /** In order of last use. */
  readonly #handles = new Map<string, Handle>()

  constructor(files: Files, maxOpen: number) {
    this.#files = files
    this.#maxOpen = maxOpen
  }

  async use<T>(path: string, work: (file: OpenFile) => Promise<T>): Promise<T> {
    const handle = this.#take(path)
    try {
      const file = await handle.file.catch((error) => {
        // A handle that failed to open must not be handed to the next reader.
        if (this.#handles.get(path) === handle) this.#handles.delete(path)
        handle.gone = true
        throw error
      })
      return await work(file)
    } finally {
      handle.users--
      if (handle.gone) await closeIdle(handle)
      else if (this.#handles.size > this.#maxOpen) await this.#closeOldest()
    }
  }

  /** Closes the handle of a file that goes away; who reads it finishes first. */
  async forget(path: string): Promise<void> {
    const handle = this.#handles.get(path)
    if (!handle) return
    this.#handles.delete(path)
    handle.gone = true
    await closeIdle(handle)
  }

  async closeAll(): Promise<void> {
    for (const path of [...this.#handles.keys()]) await this.forget(path)
  }

  #take(path: string): Handle {
    const handle = this.#handles.get(path) ?? {
      file: this.#files.open(path, 'r'),
      users: 0,
      gone: false,
    }
    this.#handles.delete(path)
    this.#handles.set(path, handle)
    handle.users++
    return handle
  }

  async #closeOldest(): Promise<void> {
    for (const [path, handle] of this.#handles) {
      if (handle.users === 0) return this.forget(path)
    }
  }
}

async function closeIdle(handle: Handle): Promise<void> {
  if (handle.users > 0) return
  const file = await handle.file.catch(() => undefined)
  await file?.close()
}
