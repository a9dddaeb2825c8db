import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Health, Layer, Stop } from './health.ts'
import type { Problem } from './problem.ts'
import { silentLayer } from './silent.ts'

const ports: Record<Layer, number> = {
  identity: 1,
  host: 2,
  relay: 3,
  view: 4,
  feeds: 5,
  search: 6,
  moderation: 7,
}
const layers = (...down: Layer[]): Stop[] =>
  (Object.keys(ports) as Layer[]).map((layer) => ({
    layer,
    url: `http://localhost:${ports[layer]}`,
    health: (down.includes(layer) ? 'down' : 'well') as Health,
  }))
const unreachable = (port: number): Problem => ({
  kind: 'unreachable',
  host: `localhost:${port}`,
  detail: 'Unreachable',
})
const upstream = (detail: string): Problem => ({ kind: 'upstream', host: 'localhost:2', detail })

describe('the layer that is silent', () => {
  it('is the host or the view that was asked itself', () => {
    assert.equal(silentLayer(unreachable(2), layers()), 'host')
    assert.equal(silentLayer(unreachable(4), layers(), 'search'), 'view')
    assert.equal(silentLayer(unreachable(1), layers()), 'identity')
    assert.equal(silentLayer(unreachable(99), layers()), undefined)
  })

  it('is the one that the host names', () => {
    assert.equal(
      silentLayer(upstream('502 · No answer from localhost:4'), layers(), 'search'),
      'view',
    )
    assert.equal(
      silentLayer(upstream('localhost:6 could not be reached'), layers(), 'search'),
      'search',
    )
  })

  it('unnamed, is the one that was found down, else the one behind what was asked', () => {
    assert.equal(silentLayer(upstream('gone'), layers('view'), 'search'), 'view')
    assert.equal(silentLayer(upstream('gone'), layers('search', 'view'), 'search'), 'search')
    assert.equal(silentLayer(upstream('gone'), layers(), 'feeds'), 'feeds')
    assert.equal(silentLayer(upstream('gone'), layers()), 'view')
  })

  it('is nobody when something else is wrong', () => {
    assert.equal(silentLayer({ kind: 'refused', host: '', detail: '' }, layers('view')), undefined)
  })
})
