import type { Service } from '#platform/runtime'

/** The service, closing what it was handed after itself, in this order. */
export function closing(service: Service, owned: readonly { close(): unknown }[]): Service {
  const close = service.close.bind(service)
  service.close = async () => {
    await close()
    for (const one of owned) await one.close()
  }
  return service
}
