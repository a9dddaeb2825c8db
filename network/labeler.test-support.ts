/** A labeler's server with nothing but HTTP and a WebSocket, for tests. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

/** Frames are kept, and sent from the cursor on to whoever opens `subscribeLabels`. */
export async function listenToLabels() {
  const server = createServer((_request, response) => response.writeHead(404).end())
  const sockets = new WebSocketServer({ server })
  const frames: Uint8Array[] = []
  const open = new Set<WebSocket>()
  sockets.on('connection', (socket, request) => {
    const cursor = new URL(request.url!, 'http://localhost').searchParams.get('cursor')
    for (const frame of frames.slice(Number(cursor ?? frames.length))) socket.send(frame)
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://localhost:${port}`,
    /** Makes a frame for the next seq and sends it. */
    send(make: (seq: number) => Uint8Array): void {
      const frame = make(frames.length + 1)
      frames.push(frame)
      for (const socket of open) socket.send(frame)
    },
    async close(): Promise<void> {
      if (!server.listening) return
      for (const socket of open) socket.terminate()
      sockets.close()
      server.close()
      await once(server, 'close')
    },
  }
}
