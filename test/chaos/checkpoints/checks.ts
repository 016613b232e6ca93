/** What must be true after agents were killed at random points. Pure. */
export interface Signed {
  agent: string
  issue: number
  attempt: number
  /** ms since 1970, on this machine's one clock. */
  at: number
}
export type Step = Signed & { step: number }
/** An executor begins: how many steps it found, and what it was told. */
export type Start = Signed & { from: number; told: string }

export interface BranchMove {
  at: number
  /** Of the claim record that moved in the same transaction. */
  state: string | undefined
  attempt: number | undefined
  checkpoint: { attempt: number } | undefined
  parents: readonly string[]
  steps: readonly number[]
}

export interface Branch {
  moves: readonly BranchMove[]
  /** Closing records that say done. */
  done: number
}

export interface IssueEvidence {
  issue: number
  branch: Branch
  starts: readonly Start[]
  steps: readonly Step[]
  pulls: readonly { headOid: string; steps: readonly number[] }[]
  /** Steps that it takes. */
  size: number
}

export interface Kill {
  agent: string
  issue: number
  attempt: number
  at: number
}

export interface Loss extends Kill {
  /** Steps that were done and had to be done again. */
  steps: number
  /** Age of what was kept when the agent was killed, ms; null: nothing was yet. */
  ageMs: number | null
}

export function violationsOf({
  issue,
  branch,
  starts,
  steps,
  pulls,
  size,
}: IssueEvidence): string[] {
  const say = (text: string) => `#${issue}: ${text}`
  const found: string[] = []
  if (branch.done !== 1) found.push(say(`${branch.done} records say done`))
  if (pulls.length !== 1) found.push(say(`${pulls.length} pull requests`))
  const whole = Array.from({ length: size }, (_, n) => n + 1).join()
  for (const pull of pulls)
    if (pull.steps.join() !== whole)
      found.push(say(`its change has the steps ${pull.steps.join()}`))
  for (const move of branch.moves) {
    const right = move.checkpoint === undefined ? 'done' : 'held'
    if (move.state !== right || (move.checkpoint ?? move).attempt !== move.attempt)
      found.push(say(`the branch moved with a record that says ${move.state ?? 'nothing'}`))
  }
  for (const start of starts) {
    const kept = branch.moves.findLast(({ at }) => at < start.at)?.steps.length ?? 0
    if (start.from < kept)
      found.push(say(`attempt ${start.attempt} begins after ${start.from} of ${kept} kept steps`))
    if (start.from > 0 && !start.told.includes('step'))
      found.push(say(`attempt ${start.attempt} was not told what was tried`))
  }
  const attempts = new Map<number, Step[]>()
  for (const step of steps)
    attempts.set(step.attempt, [...(attempts.get(step.attempt) ?? []), step])
  for (const [attempt, mine] of attempts)
    if (new Set(mine.map(({ step }) => step)).size !== mine.length)
      found.push(say(`attempt ${attempt} did a step twice`))
  const times = [...attempts.values()].map((mine) => [mine[0]!.at, mine.at(-1)!.at] as const)
  times.forEach(([, to], index) => {
    if (times.some(([from], other) => other > index && from < to))
      found.push(say('two attempts worked at once'))
  })
  return found
}

/** What a kill cost. Steps up to the last checkpoint are not among them, whatever the time. */
export function lossOf(kill: Kill, { branch, steps }: IssueEvidence): Loss {
  const kept = branch.moves.findLast(({ at }) => at <= kill.at)
  const mine = steps.filter(({ attempt, at }) => attempt === kill.attempt && at <= kill.at)
  const done = Math.max(0, ...mine.map(({ step }) => step))
  const lost = Math.max(0, done - (kept?.steps.length ?? 0))
  return { ...kill, steps: lost, ageMs: kept === undefined ? null : kill.at - kept.at }
}
