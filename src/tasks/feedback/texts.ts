/** What is said on a pull request about its rounds. Pure; what comes from elsewhere stands in fences. */
import type { CheckResult } from '../needs.ts'
import { code, fenced, plain, signed, type Signature } from '../texts.ts'
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
  needsHuman: string
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
      : ['What was tried:', '', fenced(of.tried.join('\n') || 'nothing yet'), '']),
    ...failing.flatMap((check) => [
      `End of the output of check ${code(check.name)}:`,
      '',
      fenced(check.tail.slice(-3_000)),
      '',
    ]),
    ...(outcome === 'pushed'
      ? ['Review threads are left for you to resolve.', '']
      : of.last
        ? [lastWords(of.needsHuman), '']
        : ['The same feedback is not worked again: say more, or write `/bzzz retry`.', '']),
    ...signed(by, of.executor),
  ].join('\n')
}

const lastWords = (label: string) =>
  `Nothing more is done by itself, and the label \`${label}\` says so. Write \`/bzzz retry\` to have it tried again.`

export function personComment(
  of: { reason: string; items: RoundText['items']; tried: readonly string[]; needsHuman: string },
  by: Signature,
): string {
  return [
    `**Bzzz needs a person here:** ${plain(of.reason)}, and there is more to answer: ${about(of.items)}.`,
    '',
    'What was tried:',
    '',
    fenced(of.tried.join('\n') || 'nothing yet'),
    '',
    lastWords(of.needsHuman),
    '',
    ...signed(by, undefined),
  ].join('\n')
}

/** Short answers to commands. */
export const answers = {
  notYet:
    'Agents cannot answer questions yet. Yours is in the journal, so that it can be answered once they can.',
  notHeld: 'No agent works this issue now, so there is nothing to hand back.',
  unknown: 'I know `/bzzz retry`, `/bzzz stop`, `/bzzz release` and `/bzzz ask QUESTION`.',
} as const
