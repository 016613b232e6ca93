/** What a check says of a journal, in one word and its colour. */
import type { Style } from './output.ts'

type Verdict = 'ok' | 'branched' | 'BROKEN'

export const verdictStyles: Readonly<Record<Verdict, Style>> = {
  ok: 'green',
  branched: 'yellow',
  BROKEN: 'red',
}

/** `branched`: every entry of it is proven, but the epochs are no chain there. */
export function verdictOf(row: { ok: boolean; branches: readonly string[] }): Verdict {
  if (!row.ok) return 'BROKEN'
  return row.branches.length > 0 ? 'branched' : 'ok'
}
