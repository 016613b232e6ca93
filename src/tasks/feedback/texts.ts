/** What is said on a pull request about its rounds. Pure; what comes from elsewhere stands in fences. */
import type { CheckResult } from '../needs.ts'
import { code, fenced, plain, signed, triedLines, type Signature } from '../texts.ts'
import type { Item } from './items.ts'

export interface RoundText {
  round: number
  maxRounds: number
  items: readonly Pick<Item, 'kind' | 'from'>[]
  /** `pushed`: with the new commit. */
  outcome: 'pushed' | 'unchanged' | 'failed' | 'stopped'
  head?: string
  reason: string
  tried: readonly string[]
  checks: readonly CheckResult[]
  summary: string
  executor?: string
  /** Set when nothing more happens by itself. */
  label: string
  /** Nothing more happens by itself. */
  last: boolean
}

const names = { review: 'the review of', check: 'the check', conflict: 'conflicts with' } as const
const about = (items: RoundText['items']) =>
  items.length === 0
    ? 'what was said before'
    : items
        .slice(0, 10)
        .map(({ kind, from }) => `${names[kind]} ${code(from)}`)
        .join(', ')

export function roundComment(of: RoundText, by: Signature): string {
  const { round, maxRounds, outcome, head, reason, summary } = of
  const what = {
    pushed: `pushed ${code(head ?? '')}`,
    unchanged: 'nothing was changed',
    failed: `it failed: ${plain(reason)}`,
    stopped: `it was stopped: ${plain(reason)}`,
  }[outcome]
  const failing = of.checks.filter((check) => check.outcome !== 'passed')
  return [
    `**Bzzz, round ${round} of ${maxRounds}**, about ${about(of.items)}: ${what}.`,
    '',
    ...(summary.trim() === ''
      ? []
      : ['What the executor reported:', '', fenced(summary.slice(0, 4_000)), '']),
    ...(outcome === 'pushed'
      ? []
      : triedLines(of.tried, of.executor ?? (outcome === 'stopped' ? '' : undefined))),
    ...failing.flatMap((check) => [
      `End of the output of check ${code(check.name)}:`,
      '',
      fenced(check.tail.slice(-3_000)),
      '',
    ]),
    ...(outcome === 'pushed'
      ? ['Review threads are left for you to resolve.', '']
      : of.last
        ? [lastWords(of.label), '']
        : [
            'The same feedback is not worked again: say more, or write `/bzzz retry` in a comment to have all that is open worked once more.',
            '',
          ]),
    ...signed(by, of.executor),
  ].join('\n')
}

const lastWords = (label: string) =>
  `Nothing more is done by itself, and the label ${code(label)} says so. Write \`/bzzz retry\` in a comment, or take the label off, to have all that is open worked again in new rounds.`

export function personComment(
  of: { reason: string; items: RoundText['items']; tried: readonly string[]; label: string },
  by: Signature,
): string {
  return [
    `**Bzzz needs a person here:** ${plain(of.reason)}, and there is more to answer: ${about(of.items)}.`,
    '',
    ...triedLines(of.tried, ''),
    lastWords(of.label),
    '',
    ...signed(by, undefined),
  ].join('\n')
}

/** The next round is due, and nobody who is connected can begin it. */
export function waitingComment(
  of: { agent: string; why: string; items: RoundText['items']; waitedMs: number },
  by: Signature,
): string {
  const minutes = Math.round(of.waitedMs / 60_000)
  return [
    `**Bzzz waits here:** a round about ${about(of.items)} is due for ${minutes} minutes and more. ${code(of.agent)} looks after this pull request, but ${plain(of.why)}, and no other agent that is connected could begin it. It begins as soon as one can.`,
    '',
    ...signed(by, undefined),
  ].join('\n')
}
