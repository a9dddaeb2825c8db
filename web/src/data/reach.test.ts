import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Health, Layer, Stop } from './health.ts'
import { reachAfter } from './reach.ts'

const channel = (down: Partial<Record<Layer, Health>>): Stop[] =>
  (['identity', 'host', 'relay', 'view'] as const).map((layer) => ({
    layer,
    url: '',
    health: down[layer] ?? 'well',
  }))
const water = (down: Partial<Record<Layer, Health>>) =>
  channel(down).map((_, index, stops) => reachAfter(stops, index))

describe('the water in the channel', () => {
  it('flows everywhere when all is well, also where it is slow or not asked yet', () => {
    assert.deepEqual(water({ relay: 'slow', view: 'asking' }), Array(4).fill('flowing'))
  })

  it('pools above a relay that is down and is missing below it', () => {
    assert.deepEqual(water({ relay: 'down' }), ['flowing', 'pooling', 'dry', 'dry'])
  })

  it('is missing below a host that is down', () => {
    assert.deepEqual(water({ host: 'down' }), ['pooling', 'dry', 'dry', 'dry'])
  })

  it('goes on from the host without the directory', () => {
    assert.deepEqual(water({ identity: 'down' }), ['dry', 'flowing', 'flowing', 'flowing'])
  })

  it('reaches the view before it stops there', () => {
    assert.deepEqual(water({ view: 'down' }), ['flowing', 'flowing', 'pooling', 'dry'])
  })

  it('passes by what stands at the side, and leaves it dry with the view', () => {
    const layers = ['identity', 'host', 'relay', 'view', 'feeds', 'search', 'moderation'] as const
    const whole = (down: Layer) => {
      const stops = layers.map(
        (layer): Stop => ({ layer, url: '', health: layer === down ? 'down' : 'well' }),
      )
      return stops.map((_, index) => reachAfter(stops, index))
    }
    assert.deepEqual(whole('search'), Array(7).fill('flowing'))
    assert.deepEqual(whole('view').slice(2), ['pooling', 'dry', 'dry', 'dry', 'dry'])
  })
})
