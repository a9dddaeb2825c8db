import { invalidRequest } from '#protocol/xrpc'

/**
 * Page cursors: the sort keys of a page's last row. Numbers first, then at most one text, parted by
 * colons (a record key may hold colons, so the text is last).
 */

/** The cursor that follows a row. */
export function cursorOf(...keys: (number | string)[]): string {
  return keys.join(':')
}

/** Reads a cursor of `count` numbers, followed by a text. Throws 400 InvalidRequest. */
export function readCursor(cursor: string, count: number): { numbers: number[]; text: string } {
  const parts = cursor.split(':')
  const numbers = parts.slice(0, count).map(Number)
  if (parts.length <= count || !numbers.every(Number.isSafeInteger)) throw badCursor()
  return { numbers, text: parts.slice(count).join(':') }
}

function badCursor() {
  return invalidRequest('Malformed cursor')
}
