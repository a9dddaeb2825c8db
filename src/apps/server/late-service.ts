/** A service that can be listened to before it exists: URLs are known first, then services start. */
import type { HttpResponse, Service } from '#platform/runtime'

/** Names itself: whoever reads this may have asked another service, which passed the answer on. */
const starting = (name: string): HttpResponse => ({
  status: 503,
  headers: {
    'content-type': 'application/json',
    'access-control-allow-origin': '*',
    'retry-after': '1',
  },
  body: JSON.stringify({ error: 'NotEnoughResources', message: `${name} is starting` }),
})

export interface LateService extends Service {
  attach(service: Service): void
}

/** Answers 503 until a service is attached, then is that service. */
export function lateService(name: string): LateService {
  let real: Service | undefined
  return {
    name,
    loops: [],
    handle: (request) => (real ? real.handle(request) : starting(name)),
    subscribe: (request) => {
      if (!real) return starting(name)
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
