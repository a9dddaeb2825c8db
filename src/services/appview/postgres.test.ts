/** Some telling tests of the app view again, with the index in PostgreSQL; all of them by `npm run test:postgres`. */
import { test } from 'node:test'
import { noPostgres } from '#network/postgres'

const skip = noPostgres()

if (skip) test('the app view on PostgreSQL', { skip }, () => {})
else {
  process.env.FALAJ_TEST_ENGINE = 'postgres'
  await import('./index/consumer.test.ts')
  await import('./methods/social-rules.test.ts')
}
