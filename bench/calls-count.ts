/** What was asked of GitHub, by what it was asked for. */

/** What was asked of GitHub. */
export interface Counts {
  /** REST calls that were charged, writes among them. */
  rest: number
  writes: number
  /** REST calls answered with 304, which are not charged. */
  notModified: number
  /** git listings and fetches. */
  git: number
  pushes: number
}

/**
 * Looking for work; of who works the issue: up to the assignment, while the executor runs, after it;
 * and what all others ask about an issue that they do not get.
 */
export type Phase = 'discovery' | 'claim' | 'renewal' | 'publication' | 'others'
export type Tally = Record<Phase, Counts>

const none = (): Counts => ({ rest: 0, writes: 0, notModified: 0, git: 0, pushes: 0 })
export const emptyTally = (): Tally => ({
  discovery: none(),
  claim: none(),
  renewal: none(),
  publication: none(),
  others: none(),
})

export function add(into: Tally, from: Tally): void {
  for (const phase of Object.keys(into) as Phase[]) addCounts(into[phase], from[phase])
}

function addCounts(into: Counts, from: Partial<Counts>): void {
  for (const [name, n] of Object.entries(from)) into[name as keyof Counts] += n
}

/** Charged calls of who works the issues, without looking for work. */
export function jobOf(tally: Tally): Counts {
  const phases = [tally.claim, tally.renewal, tally.publication]
  const of = (name: keyof Counts) => phases.reduce((all, counts) => all + counts[name], 0)
  const [rest, written, notModified] = [of('rest'), of('writes'), of('notModified')]
  return { rest, writes: written, notModified, git: of('git'), pushes: of('pushes') }
}

/** Methods of the client that write. */
export const writes: ReadonlySet<string> = new Set([
  'assign',
  'unassign',
  'addLabel',
  'comment',
  'openPull',
])

/** Counts by agent and issue, since only the end tells whose job it was. */
export class Ledger {
  readonly #phases = new Map<string, Phase>()
  readonly #cells = new Map<string, { by: string; issue: number; tally: Tally }>()
  #discovery = none()

  /** What the agent asks about the issue from now on. */
  phase(by: string, issue: number, phase: Phase): void {
    this.#phases.set(keyOf(by, issue), phase)
  }

  /** Without an issue it belongs to nobody's job. */
  count(by: string, issue: number | undefined, change: Partial<Counts>): void {
    if (issue === undefined) return addCounts(this.#discovery, change)
    const key = keyOf(by, issue)
    const { tally } = this.#cells.get(key) ?? { tally: emptyTally() }
    this.#cells.set(key, { by, issue, tally })
    addCounts(tally[this.#phases.get(key) ?? 'claim'], change)
  }

  /** What was counted since the last call. */
  take(isJobOf: (by: string, issue: number) => boolean): Tally {
    const total = emptyTally()
    addCounts(total.discovery, this.#discovery)
    for (const { by, issue, tally } of this.#cells.values())
      for (const phase of Object.keys(tally) as Phase[])
        addCounts(total[isJobOf(by, issue) ? phase : 'others'], tally[phase])
    this.#cells.clear()
    this.#discovery = none()
    return total
  }
}

const keyOf = (by: string, issue: number) => `${by} ${issue}`
