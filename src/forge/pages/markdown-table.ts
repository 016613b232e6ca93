/**
 * Tables as on github.com: a line of titles, a line of dashes with as many cells, then rows until
 * a blank line. Pure; what is in a cell is the caller's to render.
 */

/** More columns than this are no table: rows are filled up to the titles, so their product must be small. */
const MOST_COLUMNS = 64

export interface Table {
  /** Of each column. */
  right: boolean[]
  head: string[]
  rows: string[][]
  /** Lines that it took. */
  lines: number
}

export function tableAt(lines: readonly string[], at: number): Table | undefined {
  const first = lines[at] ?? ''
  const second = lines[at + 1] ?? ''
  if (!first.includes('|') || !second.includes('-')) return undefined
  const rules = cells(second)
  if (!rules.every((cell) => /^:?-+:?$/.test(cell))) return undefined
  const head = cells(first)
  if (head.length !== rules.length || head.length > MOST_COLUMNS) return undefined
  const rows: string[][] = []
  for (let next = at + 2; next < lines.length; next += 1) {
    const line = lines[next] ?? ''
    if (line.trim() === '' || /^ {0,3}(?:>|#{1,6}\s|`{3}|~{3})/.test(line)) break
    const row = cells(line)
    rows.push(head.map((_, column) => row[column] ?? ''))
  }
  const right = rules.map((cell) => cell.endsWith(':') && !cell.startsWith(':'))
  return { right, head, rows, lines: 2 + rows.length }
}

/** `\|` is a pipe in a cell, also within code. */
function cells(line: string): string[] {
  const text = line.trim().replace(/^\|/, '')
  const found: string[] = []
  let cell = ''
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at] ?? ''
    if (sign === '\\' && at + 1 < text.length) {
      const next = text[at + 1] ?? ''
      cell += next === '|' ? '|' : sign + next
      at += 1
    } else if (sign === '|') {
      found.push(cell.trim())
      cell = ''
    } else cell += sign
  }
  if (cell.trim() !== '' || found.length === 0) found.push(cell.trim())
  return found
}
