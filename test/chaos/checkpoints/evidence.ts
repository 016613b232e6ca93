/** What a run with kills leaves behind, read from the forge's side and from what executors signed. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { decodeMessage } from '../../../src/tasks/checkpoints/message.ts'
import { readCommits, readLedger } from '../processes/ledger.ts'
import type { Stage } from '../processes/stage.ts'
import type { Branch, Start, Step } from './checks.ts'

const run = promisify(execFile)

/** One line that an executor signed; a line that was cut by a kill is none. */
export async function readSigned(report: string): Promise<{ starts: Start[]; steps: Step[] }> {
  const text = await readFile(report, 'utf8').catch(() => '')
  const starts: Start[] = []
  const steps: Step[] = []
  for (const line of text.split('\n')) {
    const found = /^\{.*\}$/.exec(line)
    if (found === null) continue
    const { cwd, at, ...what } = JSON.parse(line) as { cwd: string; at: number }
    const [, agent = '', issue = '', attempt = ''] =
      /agents\/([^/]+)\/work\/[\w.-]*?-(\d+)-(\d+)-\w+\/clone$/.exec(cwd) ?? []
    const by = { agent, issue: Number(issue), attempt: Number(attempt), at }
    if ('step' in what) steps.push({ ...by, step: Number(what.step) })
    if ('from' in what)
      starts.push({ ...by, from: Number(what.from), told: 'told' in what ? String(what.told) : '' })
  }
  return { starts, steps }
}

/** Steps in a commit. */
export async function stepsOf(bare: string, oid: string): Promise<number[]> {
  const { stdout } = await run('git', ['--git-dir', bare, 'show', `${oid}:steps.txt`]).catch(
    () => ({ stdout: '' }),
  )
  return stdout
    .split('\n')
    .flatMap((line) => /^step (\d+)$/.exec(line)?.[1] ?? [])
    .map(Number)
}

/** The moves of an issue's work branch, each with the claim record that moved with it. */
export async function readBranch(stage: Stage, issue: number): Promise<Branch> {
  const moves = await readLedger(stage.ledger)
  const mine = moves.filter(({ ref }) => ref === `refs/heads/bzzz/issue-${issue}`)
  const claims = moves.filter(({ ref }) => ref === `refs/bzzz/claims/${issue}`)
  const oids = [...mine, ...claims].flatMap(({ after }) => after ?? [])
  const commits = await readCommits(stage.bare, oids)
  const stateOf = (oid: string | null | undefined) => {
    const message = commits.get(oid ?? '')?.message ?? '{}'
    return JSON.parse(message) as { state?: string; attempt?: number }
  }
  return {
    done: claims.filter(({ after }) => stateOf(after).state === 'done').length,
    moves: await Promise.all(
      mine.map(async ({ at, after, transaction }) => {
        const commit = commits.get(after ?? '')
        const record = stateOf(claims.find((one) => one.transaction === transaction)?.after)
        return {
          at,
          state: record.state,
          attempt: record.attempt,
          checkpoint: decodeMessage(commit?.message ?? ''),
          parents: commit?.parents ?? [],
          steps: after === null ? [] : await stepsOf(stage.bare, after),
        }
      }),
    ),
  }
}
