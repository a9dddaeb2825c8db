/** A service that can be listened to before it exists: URLs are known first, then services start. */
import type { HttpResponse, Service } from '#platform/runtime'

const STARTING: HttpResponse = {
  status: 503,
  headers: { 'content-type': 'application/json', 'retry-after': '1' },
  body: JSON.stringify({ error: 'Starting', message: 'this service is starting' }),
}

export interface LateService extends Service {
  attach(service: Service): void
}

/** Answers 503 until a service is attached, then is that service. */
export function lateService(name: string): LateService {
  let real: Service | undefined
  return {
    name,
    loops: [],
    handle: (request) => (real ? real.handle(request) : STARTING),
    subscribe: (request) => {
      if (!real) return STARTING
      return real.subscribe?.(request) ?? { status: 404 }
    },
    get tooSlowFrame() {
      return real?.tooSlowFrame
    },
    attach: (service) => {
      real = service
    },
    close: async () => {},
  }
}
