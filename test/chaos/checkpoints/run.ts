/**
 * Two real agents with a scripted coding agent that takes a step at a time, killed with SIGKILL while it
 * works, as often as asked; each comes back soon, or so late that the other takes over. Only the points
 * in time come from the seed: processes, and so their order, are the machine's own.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ForgeComponents } from '../../../src/forge/index.ts'
import { sleep, until } from '../../../src/util/index.ts'
import { createFounder } from '../../members.ts'
import { createRandom } from '../claims/scheduler.ts'
import { Actor, endOrphans, onLoopback } from '../processes/actors.ts'
import { trigger } from '../processes/evidence.ts'
import { rethrowUnless } from '../processes/settle.ts'
import { name as repoName, openStage, owner, readForge, repo } from '../processes/stage.ts'
import { lossOf, violationsOf, type IssueEvidence, type Kill, type Loss } from './checks.ts'
import { readBranch, readSigned, stepsOf } from './evidence.ts'

const robot = fileURLToPath(new URL('../../process/fixtures/acp-agent.ts', import.meta.url))

export interface RunInit {
  kills: number
  seed: number
  signal: AbortSignal
  note: (text: string) => void
  /** Keep the directory even when all is well. */
  keep?: boolean
  /** Steps of an issue, of 200 ms each. Default 60. */
  size?: number
  /** Issues that wait or are worked at a time. Default 3. */
  atOnce?: number
  /** Sees every answer of the forge. */
  onResponse?: ForgeComponents['onResponse']
}

export interface RunResult {
  kills: number
  issues: number
  violations: string[]
  losses: Loss[]
  /** Attempts that went on from kept steps. */
  heirs: number
  takeovers: number
  checkpoints: number
  orphans: number
  dir: string | undefined
}

export const checkpointMs = 500
/** Long enough to be renewed on a machine that does much else. */
const leaseMs = 12_000
const stepMs = 200
/** Kills of agents that work at one issue: it is marked as failed after twenty. */
const maxKills = 12
/** For an agent to work, and for all issues to end, ms. */
const workingMs = 180_000
const endingMs = 240_000
/** Longest time from a step that was seen to the kill, ms. */
const waitMs = 6_000
/** Part of the kills after which the other agent takes over. */
const late = 0.15

export async function runKills(init: RunInit): Promise<RunResult> {
  const { signal, note, size = 60, atOnce = 3 } = init
  const random = createRandom(init.seed)
  const names = ['agent-1', 'agent-2']
  const stage = await openStage({
    logins: names,
    issues: 0,
    random,
    slowMs: [0, 0],
    onResponse: init.onResponse,
  })
  const founder = await createFounder(stage.dir, `kills-${randomBytes(5).toString('hex')}`)
  const report = join(stage.dir, 'steps.jsonl')
  const command = [process.execPath, robot, 'steps']
  const options = JSON.stringify({ steps: size, ms: stepMs, report })
  const actors = names.map((name) => {
    const token = { file: join(stage.dir, 'agents', name, 'token') }
    const access = { apiUrl: stage.forge.apiUrl, repos: [repo], token }
    const settings = {
      mesh: onLoopback,
      github: { ...access, pollMs: 500, maxAttempts: 20, claims: { leaseMs } },
      work: {
        use: ['robot'],
        // Executors sign outside of their clones.
        sandbox: 'off',
        executors: [{ name: 'robot', kind: 'acp', command: [...command, options] }],
        checkpointMs,
      },
    }
    const place = { enter: ['env'], settings }
    return new Actor(stage, {
      name,
      login: name,
      protocol: 'bzzz',
      founder,
      leaseMs,
      pollMs: 500,
      place,
    })
  })
  const issues: number[] = []
  const kills: Kill[] = []
  const later: Promise<unknown>[] = []
  let bad = true
  let orphans = 0

  const open = async () => {
    const title = `Take ${size} steps`
    const body = 'One after the other, please.'
    const at = { owner, repo: repoName, labels: [trigger] }
    issues.push((await stage.octokit.rest.issues.create({ ...at, title, body })).data.number)
  }
  const pulls = async () => (await readForge(stage)).pulls
  const pending = async () => {
    const closed = (await pulls()).map(({ head }) => head.ref)
    return issues.filter((issue) => !closed.includes(`bzzz/issue-${issue}`))
  }
  /** A step that was signed in the last second, of an agent that runs. */
  const working = async () => {
    const { steps } = await readSigned(report)
    return steps
      .filter(({ at, agent, issue, step }) => {
        const runs = actors.some((actor) => actor.name === agent && actor.running)
        const often = kills.filter((one) => one.issue === issue).length >= maxKills
        return runs && !often && at > Date.now() - 1_000 && step < size - 1
      })
      .at(-1)
  }

  try {
    note(`${stage.forge.url}, ${stage.dir}`)
    for (const actor of actors) await actor.start()
    while (kills.length < init.kills) {
      while ((await pending()).length < atOnce) await open()
      const found = await until('an agent at work', workingMs, working, {
        signal,
        everyMs: 100,
      }).catch(rethrowUnless('DEADLINE'))
      // What was killed until then is judged all the same; the result says how many those were.
      if (found === undefined) break
      await sleep(random.between(0, waitMs), { signal })
      const actor = actors.find(({ name }) => name === found.agent)!
      const now = (await readSigned(report)).steps.findLast(({ agent }) => agent === found.agent)!
      if (!actor.running || now.step >= size || now.at < Date.now() - 1_000) continue
      const { agent, issue, attempt } = now
      const at = Date.now()
      await actor.kill()
      kills.push({ agent, issue, attempt, at })
      note(`kill ${kills.length}: ${agent} at #${issue}, attempt ${attempt}, step ${now.step}`)
      const pause = random.next() < late ? leaseMs + 8_000 : random.between(0, 1_000)
      later.push(
        sleep(pause, { signal })
          .then(() => actor.start())
          .catch(() => undefined),
      )
      // One of the two works at least.
      if (actors.every(({ running }) => !running)) await Promise.all(later.splice(0))
    }
    await Promise.all(later)
    await until('the end of all issues', endingMs, async () => (await pending()).length === 0, {
      signal,
      everyMs: 500,
    })
    await Promise.all(actors.map((actor) => actor.end()))
    orphans = await endOrphans(stage)
    const { starts, steps } = await readSigned(report)
    const opened = await pulls()
    const evidence = await Promise.all(
      issues.map(async (issue): Promise<IssueEvidence> => {
        const mine = opened.filter(({ head }) => head.ref === `bzzz/issue-${issue}`)
        const of = <T extends { issue: number }>(all: T[]) =>
          all.filter((one) => one.issue === issue)
        return {
          issue,
          branch: await readBranch(stage, issue),
          starts: of(starts),
          steps: of(steps),
          pulls: await Promise.all(
            mine.map(async ({ head }) => ({
              headOid: head.sha,
              steps: await stepsOf(stage.bare, head.sha),
            })),
          ),
          size,
        }
      }),
    )
    const violations = evidence.flatMap(violationsOf)
    bad = violations.length > 0 || orphans > 0
    const facts = new Map(evidence.map((one) => [one.issue, one]))
    const agentsOf = (one: IssueEvidence) => one.starts.map(({ agent }) => agent)
    return {
      kills: kills.length,
      issues: issues.length,
      violations,
      losses: kills.map((kill) => lossOf(kill, facts.get(kill.issue)!)),
      heirs: starts.filter(({ from }) => from > 0).length,
      takeovers: evidence
        .map((one) => agentsOf(one).filter((agent, n, all) => n > 0 && agent !== all[n - 1]).length)
        .reduce((sum, count) => sum + count, 0),
      checkpoints: evidence
        .map(
          ({ branch }) => branch.moves.filter(({ checkpoint }) => checkpoint !== undefined).length,
        )
        .reduce((sum, count) => sum + count, 0),
      orphans,
      dir: bad || init.keep === true ? stage.dir : undefined,
    }
  } finally {
    await Promise.all(actors.map((actor) => actor.retire()))
    await endOrphans(stage)
    await stage.close((bad && !signal.aborted) || init.keep === true)
  }
}
