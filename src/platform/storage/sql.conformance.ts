import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import fc from 'fast-check'
import type { Migration, Sql, SqlValue } from './contracts.ts'

/** One empty database at a time. */
export interface SqlHome {
  open(migrations: readonly Migration[]): Promise<Sql>
  drop(): Promise<void>
}

const migrations: Migration[] = [
  {
    name: '0001-things',
    sql: `CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, size INTEGER, body BLOB);
          CREATE TABLE notes (thing INTEGER NOT NULL, note TEXT NOT NULL);`,
  },
]

const code = (name: string) => ({ code: name })
const insert = 'INSERT INTO things (id, name) VALUES (?, ?)'
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** What every form of Sql promises. `durable` forms are opened a second time. */
export function sqlConformance(
  form: string,
  makeHome: () => Promise<SqlHome>,
  options: { durable: boolean },
): void {
  describe(`sql on ${form}`, () => {
    let home: SqlHome
    let sql: Sql

    beforeEach(async () => {
      home = await makeHome()
      sql = await home.open(migrations)
    })
    afterEach(async () => {
      await sql.close()
      await home.drop()
    })

    const names = async (from: Sql = sql) =>
      (await from.all<{ name: string }>('SELECT name FROM things ORDER BY id')).map(
        ({ name }) => name,
      )

    describe('statements', () => {
      test('what is written is read', async () => {
        assert.deepEqual(await sql.run(insert, [1, 'one']), { changes: 1 })
        await sql.run('INSERT INTO things VALUES (?, ?, ?, ?)', [
          2,
          'two',
          -5,
          Uint8Array.of(0, 255),
        ])
        assert.deepEqual(await sql.all('SELECT * FROM things ORDER BY id'), [
          { id: 1, name: 'one', size: null, body: null },
          { id: 2, name: 'two', size: -5, body: Uint8Array.of(0, 255) },
        ])
        assert.deepEqual(await sql.get('SELECT name, size FROM things WHERE id = ?', [2]), {
          name: 'two',
          size: -5,
        })
      })

      test('nothing found is undefined for get, empty for all, zero changes for run', async () => {
        assert.equal(await sql.get('SELECT * FROM things WHERE id = ?', [9]), undefined)
        assert.deepEqual(await sql.all('SELECT * FROM things'), [])
        assert.deepEqual(await sql.run('DELETE FROM things WHERE id = ?', [9]), { changes: 0 })
      })

      test('get gives the first row', async () => {
        await sql.runMany(insert, [
          [1, 'a'],
          [2, 'b'],
        ])
        assert.deepEqual(await sql.get('SELECT name FROM things ORDER BY id DESC'), { name: 'b' })
      })

      test('values come back as they were given', async () => {
        const value = fc.oneof(
          fc.constant(null),
          fc.maxSafeInteger(),
          fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
        )
        const property = fc.asyncProperty(
          value,
          fc.uint8Array({ maxLength: 200 }),
          async (first, body) => {
            await sql.run('DELETE FROM things')
            await sql.run('INSERT INTO things VALUES (1, ?, ?, ?)', [
              typeof first === 'string' ? first : 'x',
              typeof first === 'number' ? first : null,
              body,
            ])
            const row = await sql.get<{ name: string; size: number; body: Uint8Array }>(
              'SELECT name, size, body FROM things',
            )
            assert.equal(row!.name, typeof first === 'string' ? first : 'x')
            assert.equal(row!.size, typeof first === 'number' ? first : null)
            assert.deepEqual([...row!.body], [...body])
          },
        )
        await fc.assert(property, { numRuns: 100 })
      })

      test('integers keep all 53 bits; a safe bigint is the same as the number', async () => {
        for (const size of [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 0]) {
          await sql.run('DELETE FROM things')
          await sql.run('INSERT INTO things (id, name, size) VALUES (1, ?, ?)', ['x', BigInt(size)])
          assert.deepEqual(await sql.get('SELECT size FROM things WHERE size = ?', [size]), {
            size,
          })
        }
      })

      test('what cannot be stored is refused by its place', async () => {
        for (const bad of [
          undefined,
          true,
          Number.NaN,
          2n ** 60n,
          new Date(0),
          { a: 1 },
          [1],
          Symbol.iterator,
        ]) {
          await assert.rejects(
            sql.run(insert, [1, bad as SqlValue]),
            (error: { code: string; message: string }) =>
              error.code === 'InvalidArgument' && /parameter 2/.test(error.message),
          )
        }
        assert.deepEqual(await names(), [])
      })

      test('too few and too many parameters are refused', async () => {
        await assert.rejects(sql.run(insert, [1]), code('InvalidArgument'))
        await assert.rejects(sql.run(insert), code('InvalidArgument'))
        await assert.rejects(sql.run(insert, [1, 'a', 2]), code('InvalidArgument'))
        await assert.rejects(sql.all('SELECT 1', [1]), code('InvalidArgument'))
        await sql.run("INSERT INTO things (id, name) VALUES (?, '? it''s ?') -- ?", [1])
        await sql.run('/* ? */ INSERT INTO things (id, "name") VALUES (?, ?)', [2, 'b'])
        assert.deepEqual(await names(), ["? it's ?", 'b'])
      })

      test('a taken key is a Conflict', async () => {
        await sql.run(insert, [1, 'a'])
        await assert.rejects(sql.run(insert, [1, 'b']), code('Conflict'))
        await assert.rejects(sql.run(insert, [2, 'a']), code('Conflict'))
        assert.deepEqual(await names(), ['a'])
      })

      test('a statement that makes no sense rejects and harms nothing', async () => {
        await assert.rejects(sql.all('SELECT * FROM nowhere'))
        await assert.rejects(sql.run('NONSENSE'))
        await sql.run(insert, [1, 'a'])
      })

      test('more different statements than are kept prepared', async () => {
        await sql.run(insert, [1, 'a'])
        for (let number = 0; number < 600; number++) {
          const row = await sql.get<{ n: number }>(`SELECT ${number} AS n, name FROM things`)
          assert.equal(row!.n, number)
        }
        assert.deepEqual(await names(), ['a'])
      })

      test('many rows go in at once, or none', async () => {
        const rows = Array.from({ length: 1000 }, (_, index) => [index, `n${index}`])
        assert.deepEqual(await sql.runMany(insert, rows), { changes: 1000 })
        await assert.rejects(
          sql.runMany(insert, [
            [2000, 'new'],
            [2001, 'n5'],
          ]),
          code('Conflict'),
        )
        assert.equal((await names()).length, 1000)
        assert.deepEqual(await sql.runMany(insert, []), { changes: 0 })
      })
    })

    describe('transactions', () => {
      test('commit when the work resolves, and give its result', async () => {
        const result = await sql.transaction(async (tx) => {
          await tx.run(insert, [1, 'a'])
          await turn()
          await tx.run(insert, [2, 'b'])
          return (await names(tx)).length
        })
        assert.equal(result, 2)
        assert.deepEqual(await names(), ['a', 'b'])
      })

      test('roll back when the work throws, and throw the same', async () => {
        const failure = new Error('changed my mind')
        await assert.rejects(
          sql.transaction(async (tx) => {
            await tx.run(insert, [1, 'a'])
            throw failure
          }),
          failure,
        )
        assert.deepEqual(await names(), [])
        await sql.transaction((tx) => tx.run(insert, [1, 'b']))
        assert.deepEqual(await names(), ['b'])
      })

      test('a statement that fails and is caught leaves the rest', async () => {
        await sql.transaction(async (tx) => {
          await tx.run(insert, [1, 'a'])
          await assert.rejects(tx.run(insert, [1, 'b']), code('Conflict'))
          await tx.run(insert, [2, 'c'])
        })
        assert.deepEqual(await names(), ['a', 'c'])
      })

      test('run one after another, in the order they were asked for', async () => {
        const events: string[] = []
        const work = (name: string, turns: number) =>
          sql.transaction(async (tx) => {
            events.push(`${name} begins`)
            for (let count = 0; count < turns; count++) await turn()
            await tx.run('INSERT INTO notes VALUES (1, ?)', [name])
            events.push(`${name} ends`)
          })
        await Promise.all([work('a', 3), work('b', 0), work('c', 1)])
        assert.deepEqual(
          events,
          ['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]),
        )
      })

      test('an outside statement never slips into one', async () => {
        const held = sql
          .transaction(async (tx) => {
            await tx.run(insert, [1, 'inside'])
            for (let count = 0; count < 5; count++) await turn()
            throw new Error('back')
          })
          .catch(() => 'rolled back')
        const outside = sql.run(insert, [2, 'outside'])
        const read = names()
        assert.equal(await held, 'rolled back')
        await outside
        assert.ok(!(await read).includes('inside'), 'what is rolled back was never seen')
        assert.deepEqual(await names(), ['outside'])
      })

      test('inside the work the outer face speaks to the same transaction', async () => {
        const helper = (name: string) => sql.run(insert, [name.length, name])
        await assert.rejects(
          sql.transaction(async (tx) => {
            await helper('a')
            await turn()
            await helper('bb')
            assert.deepEqual(await names(tx), ['a', 'bb'])
            throw new Error('back')
          }),
          /back/,
        )
        assert.deepEqual(await names(), [])
      })

      test('a nested one joins', async () => {
        await sql.transaction(async (tx) => {
          await tx.transaction((inner) => inner.run(insert, [1, 'a']))
          await sql.transaction((inner) => inner.run(insert, [2, 'b']))
        })
        assert.deepEqual(await names(), ['a', 'b'])
      })

      test('a nested one that threw takes the whole with it, caught or not', async () => {
        await assert.rejects(
          sql.transaction(async (tx) => {
            await tx.run(insert, [1, 'a'])
            await tx
              .transaction(async (inner) => {
                await inner.run(insert, [2, 'b'])
                throw new Error('half done')
              })
              .catch(() => {})
          }),
          /half done/,
        )
        assert.deepEqual(await names(), [])
        await sql.run(insert, [3, 'c'])
      })

      test('rows at once inside one fail it as a whole', async () => {
        await assert.rejects(
          sql.transaction(async (tx) => {
            const rows = [
              [1, 'a'],
              [1, 'b'],
            ]
            await tx.runMany(insert, rows).catch(() => {})
          }),
          code('Conflict'),
        )
        assert.deepEqual(await names(), [])
      })

      test('a face that outlives its transaction is dead', async () => {
        let late: Sql | undefined
        await sql.transaction(async (tx) => {
          late = tx
          await tx.run(insert, [1, 'a'])
        })
        await assert.rejects(late!.run(insert, [2, 'b']), code('Closed'))
        await assert.rejects(
          late!.transaction(async () => {}),
          code('Closed'),
        )
        assert.deepEqual(await names(), ['a'])
      })

      test('work left running goes on outside, in nobody else’s transaction', async () => {
        let left: Promise<unknown> | undefined
        const release = Promise.withResolvers<void>()
        await sql.transaction(async (tx) => {
          await tx.run(insert, [1, 'a'])
          left = release.promise.then(() => sql.run(insert, [2, 'left']))
        })
        const other = sql
          .transaction(async (tx) => {
            await tx.run(insert, [3, 'other'])
            release.resolve()
            for (let count = 0; count < 5; count++) await turn()
            throw new Error('back')
          })
          .catch(() => {})
        await Promise.all([other, left])
        assert.deepEqual(await names(), ['a', 'left'])
      })

      test('a transaction cannot close its database', async () => {
        await assert.rejects(
          sql.transaction((tx) => tx.close()),
          code('InvalidArgument'),
        )
      })

      test('whatever is mixed, the outcome is that of one after another', async () => {
        const step = fc.record({
          rows: fc.integer({ min: 1, max: 4 }),
          kind: fc.constantFrom('statement', 'commit', 'rollback', 'nested', 'many'),
          turns: fc.nat(2),
        })
        const property = fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
          await sql.run('DELETE FROM notes')
          const expected: number[] = []
          let next = 0
          await Promise.all(
            steps.map(async ({ rows, kind, turns: count }) => {
              const mine = Array.from({ length: rows }, () => next++)
              if (kind !== 'rollback') expected.push(...mine)
              const add = async (to: Sql) => {
                for (const id of mine) {
                  await to.run('INSERT INTO notes VALUES (?, ?)', [id, kind])
                  for (let wait = 0; wait < count; wait++) await turn()
                }
              }
              if (kind === 'statement') return add(sql)
              if (kind === 'many') {
                return sql.runMany(
                  'INSERT INTO notes VALUES (?, ?)',
                  mine.map((id) => [id, kind]),
                )
              }
              if (kind === 'nested') return sql.transaction((tx) => tx.transaction(add))
              const work = sql.transaction(async (tx) => {
                await add(tx)
                if (kind === 'rollback') throw new Error('back')
              })
              return kind === 'rollback' ? work.catch(() => {}) : work
            }),
          )
          const rows = await sql.all<{ thing: number }>('SELECT thing FROM notes ORDER BY thing')
          assert.deepEqual(
            rows.map(({ thing }) => thing),
            expected.sort((one, other) => one - other),
          )
        })
        await fc.assert(property, { numRuns: 40 })
      })
    })

    describe('closing', () => {
      test('waits for the open transaction and for those in the queue', async () => {
        const done: string[] = []
        const work = (name: string) =>
          sql.transaction(async (tx) => {
            await turn()
            await tx.run('INSERT INTO notes VALUES (1, ?)', [name])
            done.push(name)
          })
        const works = [work('a'), work('b')]
        await sql.close()
        await Promise.all(works)
        assert.deepEqual(done, ['a', 'b'])
      })

      test('afterwards everything is refused', async () => {
        await sql.close()
        await sql.close()
        await assert.rejects(sql.all('SELECT 1'), code('Closed'))
        await assert.rejects(sql.run(insert, [1, 'a']), code('Closed'))
        await assert.rejects(
          sql.transaction(async () => {}),
          code('Closed'),
        )
      })
    })

    describe('migrations', { skip: !options.durable && 'nothing is left to open again' }, () => {
      const second = { name: '0002-more', sql: 'ALTER TABLE things ADD COLUMN more TEXT' }
      const again = async (list: readonly Migration[]) => {
        await sql.close()
        sql = await home.open(list)
      }

      test('are applied once, new ones after the old', async () => {
        await sql.run(insert, [1, 'a'])
        await again(migrations)
        assert.deepEqual(await names(), ['a'])
        await again([...migrations, second])
        await sql.run('UPDATE things SET more = ?', ['m'])
        await again([...migrations, second])
        assert.deepEqual(await sql.get('SELECT name, more FROM things'), { name: 'a', more: 'm' })
      })

      test('one that changed after it was applied is refused', async () => {
        const changed = [{ ...migrations[0]!, sql: `${migrations[0]!.sql} -- changed` }]
        await assert.rejects(again(changed), code('Migration'))
      })

      test('line ends are no change', async () => {
        await again([{ ...migrations[0]!, sql: migrations[0]!.sql.replaceAll('\n', '\r\n') }])
      })

      test('a database from a newer program is refused', async () => {
        await again([...migrations, second])
        await assert.rejects(again(migrations), code('Migration'))
      })

      test('one that fails is undone and named', async () => {
        const bad = { name: '0002-bad', sql: 'CREATE TABLE extra (id INTEGER); NONSENSE' }
        await assert.rejects(
          again([...migrations, bad]),
          (error: { code: string; message: string }) => {
            return error.code === 'Migration' && /0002-bad/.test(error.message)
          },
        )
        sql = await home.open([
          ...migrations,
          { name: '0002-good', sql: 'CREATE TABLE extra (id INTEGER)' },
        ])
      })

      test('a list out of order is refused', async () => {
        await assert.rejects(again([...migrations, second, second]), code('Migration'))
      })
    })
  })
}
