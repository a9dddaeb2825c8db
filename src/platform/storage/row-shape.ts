import { type SqlRow, type SqlValue, StorageError } from './contracts.ts'

/** Makes a record of a row's values. */
export type Shape = (row: readonly SqlValue[]) => SqlRow

/** By column names: a thousand open files with the same tables share them. */
const shapes = new Map<string, Shape>()
const maxShapes = 2000

/** An object literal with the columns in place: all rows share one hidden class, as hand-written code would have it. */
export function shapeOf(names: readonly string[]): Shape {
  const known = shapes.get(names.join('\0'))
  if (known) return known
  if (names.some((name) => name === '__proto__')) {
    throw new StorageError('InvalidArgument', 'a column may not be named __proto__')
  }
  const fields = names.map((name, index) => `${JSON.stringify(name)}: row[${index}]`)
  const shape = new Function('row', `return { ${fields.join(', ')} }`) as Shape
  if (shapes.size >= maxShapes) shapes.clear()
  shapes.set(names.join('\0'), shape)
  return shape
}
