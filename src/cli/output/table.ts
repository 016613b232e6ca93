/** Aligned columns without borders, as people know them from docker and kubectl. Pure. */
import { clean, truncate, width } from './text.ts'

export interface Column<Row> {
  title: string
  value: (row: Row) => string | number | null
  align?: 'right'
  /** May be cut so that a line fits the terminal. One column at most. */
  flexible?: boolean
  /** Applied after padding, so that escape sequences do not count as columns. */
  style?: (text: string, row: Row) => string
}

const gap = '  '
const narrowest = 12

/** `columns`: width of the terminal; lines are cut only in the flexible column. Values are cleaned here. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  terminalColumns = Infinity,
): string {
  const cells = rows.map((row) => columns.map((column) => clean(String(column.value(row) ?? '-'))))
  const widths = columns.map(({ title }, index) =>
    Math.max(width(title), ...cells.map((line) => width(line[index] ?? ''))),
  )
  const total = widths.reduce((sum, one) => sum + one, 0) + gap.length * (columns.length - 1)
  const flexible = columns.findIndex((column) => column.flexible === true)
  const cut = widths[flexible]
  if (total > terminalColumns && cut !== undefined) {
    widths[flexible] = Math.max(Math.min(narrowest, cut), cut - (total - terminalColumns))
  }
  const line = (texts: readonly string[], row?: Row) =>
    columns
      .map((column, index) => {
        const columnWidth = widths[index] ?? 0
        const text = truncate(texts[index] ?? '', columnWidth)
        const fill = ' '.repeat(Math.max(0, columnWidth - width(text)))
        const styled = row === undefined ? text : (column.style?.(text, row) ?? text)
        if (column.align === 'right') return fill + styled
        return index === columns.length - 1 ? styled : styled + fill
      })
      .join(gap)
      .trimEnd()
  return [
    line(columns.map(({ title }) => title)),
    ...rows.map((row, index) => line(cells[index] ?? [], row)),
  ].join('\n')
}
