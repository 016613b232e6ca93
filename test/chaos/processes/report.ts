/** What a run found, for people and as a document. */
import { claimsOf, isTakeover, overlapsOf } from './checks.ts'
import { endingOf, type Evidence } from './evidence.ts'
import type { RunResult } from './run.ts'

const count = <T extends string>(all: readonly T[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const one of all) counts[one] = (counts[one] ?? 0) + 1
  return counts
}

/** Claims as the refs tell them. */
function claims(evidence: Evidence) {
  const figures = { records: 0, claims: 0, renewals: 0, takeovers: 0, published: 0, attempts: 0 }
  const waits: number[] = []
  for (const issue of evidence.issues) {
    const moves = claimsOf(evidence, issue)
    const links = moves.flatMap((move) => {
      const record = evidence.records.get(move.after ?? '')
      return typeof record === 'object' ? [{ move, record }] : []
    })
    figures.records += links.length
    for (const [index, { record, move }] of links.entries()) {
      const before = links[index - 1]
      const same = before?.record.attempt === record.attempt
      if (record.state === 'done') figures.published += 1
      if (record.state === 'held' && same) figures.renewals += 1
      if (record.state === 'held' && !same) figures.claims += 1
      figures.attempts = Math.max(figures.attempts, record.attempt)
      if (before === undefined || !isTakeover(before.record, record)) continue
      figures.takeovers += 1
      waits.push(move.at - before.move.at)
    }
  }
  waits.sort((a, b) => a - b)
  const [least, most] = [waits[0] ?? null, waits.at(-1) ?? null]
  const middle = waits[Math.floor(waits.length / 2)] ?? null
  return { ...figures, takeoverWaitMs: { least, median: middle, most } }
}

export function documentOf(result: RunResult) {
  const { evidence, violations, init, faults, journals, orphans, durations, dir } = result
  const endings = evidence.issues.map((issue) => endingOf(issue, evidence.pulls, evidence.agents))
  const overlaps = evidence.issues.flatMap((issue) => overlapsOf(evidence, issue))
  return {
    ...init,
    endings: count(endings),
    kinds: count(evidence.issues.map(({ kind }) => kind)),
    /** Why issues failed that could have been done. */
    gaveUp: evidence.issues
      .filter(({ kind }, index) => kind !== 'broken' && endings[index] === 'failed')
      .map(({ number, lastComment }) => `#${number}: ${lastComment ?? ''}`),
    refs: claims(evidence),
    pulls: evidence.pulls.length,
    executions: {
      all: evidence.executions.length,
      atOnceWhileStopped: overlaps.filter(({ excused }) => excused).length,
      atOnce: overlaps.filter(({ excused }) => !excused).length,
    },
    disturbances: count(evidence.disturbances.map(({ how }) => how)),
    peopleTook: evidence.issues.filter(({ events }) =>
      events.some(
        ({ event, assignee }) =>
          event === 'assigned' && !evidence.agents.has(assignee?.toLowerCase() ?? ''),
      ),
    ).length,
    faults,
    journals: journals ?? null,
    orphans,
    durations,
    violations,
    rules: count(violations.map(({ rule }) => rule)),
    dir: dir ?? null,
  }
}

export function textOf(document: ReturnType<typeof documentOf>): string {
  const { refs, journals, executions, durations } = document
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([name, n]) => `${n} ${name}`)
      .join(', ') || 'none'
  const seconds = (ms: number | null) => (ms === null ? '-' : `${(ms / 1_000).toFixed(1)} s`)
  const { least, median, most } = refs.takeoverWaitMs
  const rows: [string, string][] = [
    ['run', `${document.protocol}, ${document.agents} processes, ${document.issues} issues`],
    ['seed', `${document.seed}`],
    ['issues', `${list(document.endings)}; of ${list(document.kinds)}`],
    ['claims', `${refs.claims}, ${refs.renewals} renewals, ${refs.records} records in all`],
    [
      'takeovers',
      `${refs.takeovers}; after ${seconds(least)}, ${seconds(median)}, ${seconds(most)}`,
    ],
    ['', '(least, median, most since the record that was taken over)'],
    ['attempts', `at most ${refs.attempts} of one issue`],
    ['publications', `${refs.published}; ${document.pulls} pull requests`],
    [
      'chores run',
      `${executions.all}; at once ${executions.atOnce}, while one was stopped ${executions.atOnceWhileStopped}`,
    ],
    ['processes', `${list(document.disturbances)}; ${document.orphans} orphans`],
    ['people', `took ${document.peopleTook} issues`],
    ['faults', list(document.faults)],
    ['duration', `${seconds(durations.chaosMs)} of chaos, ${seconds(durations.calmMs)} of calm`],
  ]
  if (journals !== null) {
    const { tried, won, lost, fenced, fencedAtPublication } = journals
    rows.push([
      'journals',
      `${tried} claims tried, ${won} won, ${lost} lost; ${fenced} holders fenced, ${fencedAtPublication} of them at publication`,
    ])
  }
  for (const text of document.gaveUp) rows.push(['given up', text])
  const found = document.violations.map(({ rule, text }) => `  ${rule}: ${text}`)
  const end =
    found.length === 0
      ? ['no violation']
      : [
          `${found.length} violations (${list(document.rules)}):`,
          ...found,
          `see the forge and the agents' output in ${document.dir ?? 'no directory'}`,
        ]
  return [...rows.map(([name, text]) => `${name.padEnd(14)}${text}`), ...end].join('\n')
}
