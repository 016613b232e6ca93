/**
 * What Bzzz writes on GitHub: pull requests and comments. Pure. What comes from issues, executors
 * and checks stands in fences longer than any run of backticks within, so that it cannot break out,
 * mention people or close other issues.
 */
import type { CheckResult, FailedWork, ChangedWork } from './needs.ts'

/** Where the journal entry is that a pull request or comment stands on. */
export interface JournalLink {
  key: string
  epoch: number
  seq: number
  /** Merkle tree hash of the journal up to and with that entry, hex. */
  treeHash?: string
}

export interface Signature {
  agent: string
  peerId: string
  attempt: number
  /** OID of the claim record: a comment that was sent is found again by `claimLine`. */
  claim: string
  journal: JournalLink
}

/** GitHub's limit for a title is 256 characters. */
export function pullTitle(issue: { number: number; title: string }): string {
  // A cut through a character would leave half of it, which GitHub refuses.
  const title = oneLine(issue.title).slice(0, 200).toWellFormed()
  return `${title === '' ? 'Work' : title} (#${issue.number})`
}

export function pullBody(issue: { number: number }, work: ChangedWork, by: Signature): string {
  const files = work.files
    .slice(0, 50)
    .map((file) => `- ${code(file.path)} +${file.insertions} −${file.deletions}`)
  const more = work.files.length > 50 ? [`- … and ${work.files.length - 50} more`] : []
  return [
    `Closes #${issue.number}`,
    '',
    ...(work.summary.trim() === ''
      ? []
      : ['What the executor reported:', '', fenced(wrap(work.summary.slice(0, 4_000))), '']),
    ...files,
    ...more,
    ...checkLines(work.checks),
    '',
    ...signed(by, work.executor),
  ].join('\n')
}

/** How a person has it tried again. */
export interface Again {
  /** That keeps agents from it. */
  label: string
  /** Where what was done so far is kept. Default: nothing is. */
  branch?: string
}

export function failureComment(work: FailedWork, by: Signature, again: Again): string {
  const failing = work.checks.filter((check) => check.outcome !== 'passed')
  return [
    `**Bzzz could not finish this issue:** ${plain(work.reason)}`,
    '',
    ...triedLines(
      work.tried.map((line, index) => `${index + 1}. ${line}`),
      work.executor,
    ),
    ...failing.flatMap((check) => [
      `End of the output of check ${code(check.name)}:`,
      '',
      fenced(check.tail.slice(-3_000)),
      '',
    ]),
    ...requestLines(work),
    againLine(again),
    '',
    ...signed(by, work.executor),
  ].join('\n')
}

/** Who was asked for help, and the commands that show it from the journals. */
function requestLines({ requests = [], logs }: FailedWork): string[] {
  if (requests.length === 0) return []
  return [
    'Other agents were asked for help:',
    '',
    ...requests.map(({ text, command }) => `1. ${plain(text)} See ${code(command)}.`),
    '',
    ...(logs === undefined
      ? []
      : [`All that the agents wrote down: ${code(logs)}. This needs a person.`, '']),
  ]
}

/** How the last of several vain attempts ended: its process did, it said nothing more, or it gave the issue back. */
export interface LastAttempt {
  agent: string
  how: 'ended' | 'silent' | 'returned'
}

/** Why nobody tries it again. */
export function exhaustedReason(attempts: number, { agent, how }: LastAttempt): string {
  const ends = {
    ended: `${agent} ended while it worked on it (it crashed, or was killed)`,
    silent: `${agent} was not heard of for its whole lease while it worked on it`,
    returned: `${agent} handed it back`,
  }
  return attempts === 1
    ? `The one attempt ended without a result: ${ends[how]}.`
    : `${attempts} attempts in a row ended without a result; in the last one ${ends[how]}.`
}

/** A person's word to stop. */
export const takenAway = 'the assignment was taken away'

export function stoppedComment(reason: string, by: Signature, again: Again): string {
  return [
    `**Bzzz stopped working on this issue:** ${plain(reason)}`,
    '',
    againLine(again),
    '',
    ...signed(by, undefined),
  ].join('\n')
}

/** For finished work of an agent that is gone, which no pull request shows. `why`: one sentence. */
export function unpublishedComment(
  { why, branch, label }: { why: string; branch?: string; label: string },
  by: Signature,
): string {
  const again =
    branch === undefined
      ? 'Write'
      : `The work is on the branch ${code(branch)}. Take the label ${code(label)} off to have the pull request tried again, or write`
  return [
    `**Bzzz finished this issue, but there is no pull request:** ${plain(why)}`,
    '',
    `${again} \`/bzzz retry\` in a comment to have it worked anew.`,
    '',
    ...signed(by, undefined),
  ].join('\n')
}

const againLine = ({ label, branch }: Again): string => {
  const from =
    branch === undefined
      ? 'Nothing of it is kept: it begins anew'
      : `What was done so far is kept on the branch ${code(branch)}, and it goes on from there`
  return `${from} once somebody writes \`/bzzz retry\` in a comment, which takes the label ${code(label)} off, or takes it off by hand.`
}

/** Nothing where there is nothing to say. */
export function triedLines(tried: readonly string[], executor: string | undefined): string[] {
  if (tried.length > 0) return ['What was tried:', '', fenced(tried.join('\n')), '']
  return executor === undefined ? ['No executor was started for it this time.', ''] : []
}

function checkLines(checks: readonly CheckResult[]): string[] {
  if (checks.length === 0) return ['The repository declares no checks.']
  return checks.map(
    (check) =>
      `- check ${code(check.name)}: ${check.outcome} in ${(check.durationMs / 1000).toFixed(1)} s`,
  )
}

export function signed(by: Signature, executor: string | undefined): string[] {
  const { journal } = by
  const ran = executor === undefined ? '' : `, executor ${code(executor)}`
  return [
    '---',
    `Agent ${code(by.agent)} (peer ${code(by.peerId)}), attempt ${by.attempt}${ran}.`,
    ...journalLines(journal),
    claimLine(by.claim),
  ]
}

/** With the head that `bzzz logs verify FILE --expect` takes. */
function journalLines({ key, epoch, seq, treeHash }: JournalLink): string[] {
  const entry = `Journal entry ${code(`${key}/${epoch}/${seq}`)}.`
  if (treeHash === undefined) return [entry]
  return [entry, `Journal up to there ${code(`${key}/${epoch}/${seq + 1}/${treeHash}`)}.`]
}

/** Last line of all that is written for a claim. */
export function claimLine(oid: string): string {
  return `Claim ${code(oid)}.`
}

/** One line without control characters, that mentions nobody. Titles are not rendered as Markdown. */
export function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .replace(/@/g, '@\u200B')
    .trim()
}

/** The same for Markdown: nothing becomes a link or markup. */
export function plain(text: string): string {
  return oneLine(text).replace(/([\\`*_{}[\]<>#|~])/g, '\\$1')
}

export function code(text: string): string {
  return `\`${text.replace(/[`\p{Cc}\p{Cf}|]/gu, ' ').slice(0, 200)}\``
}

/** Lines of at most 100 columns where there is a space to break at: fences do not wrap. */
function wrap(text: string): string {
  return text.replace(/(?![^\n]{1,100}$)([^\n]{1,100})[^\S\n]/gm, '$1\n')
}

export function fenced(text: string): string {
  const clean = text.replace(/[^\P{Cc}\n\t]/gu, '')
  const longest = Math.max(2, ...[...clean.matchAll(/`+/g)].map((run) => run[0].length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}text\n${clean}\n${fence}`
}
