/**
 * Issue opened → claimed (assigned) → pull request open, less the time of the executor and of the
 * checks, with one agent, with four, and with four issues opened at once. Everything is real:
 * `bzzz up`, octokit, git over HTTP, the embedded forge. Yardstick, in turns with the agents: the
 * same calls and pushes by a plain script (`naive.ts`), with octokit's pauses between writes (at
 * least 1 s, 3 s between pull requests), which agents keep, too; and without them, for what the
 * forge and git take themselves.
 *
 *   node bench/issue-to-pull.ts [rounds]
 */
import { stopAll } from './agents.ts'
import { startForge } from './forge.ts'
import { argument, bench, median, type Part, type Samples } from './lib.ts'
import { check, chore, crowd, files, pollMs, script, Stage, type Worked } from './stage.ts'

const rounds = argument(0, { min: 1, max: 20, usual: 5 })
const plain = 'plain script, no pauses'
const polite = 'plain script, octokit’s pauses'

type Runs = Record<string, Worked[]>

function partsOf(title: string, all: Runs): Part[] {
  const of = (measure: (one: Worked) => number): Samples =>
    Object.fromEntries(Object.entries(all).map(([name, list]) => [name, list.map(measure)]))
  const part = (what: string, measure: (one: Worked) => number): Part => ({
    title: `${title}, ${what}`,
    unit: 'ms',
    yardstick: polite,
    samples: of(measure),
  })
  return [
    part('issue opened → assigned', ({ opened, assigned }) => assigned - opened),
    part(
      'assigned → pull request, less executor and checks',
      ({ assigned, pulled, work }) => pulled - assigned - work,
    ),
    part(
      'issue opened → pull request, less executor and checks',
      ({ opened, pulled, work }) => pulled - opened - work,
    ),
  ]
}

function notesOf(title: string, all: Runs): string[] {
  const middle = (list: Worked[], measure: (one: Worked) => number) =>
    Math.round(median(list.map(measure)))
  return Object.entries(all).map(([name, list]) => {
    const wait = middle(list, ({ opened, tried }) => tried - opened)
    const work = middle(list, (one) => one.work)
    const rest = middle(list, ({ requests }) => requests.rest)
    const git = middle(list, ({ requests }) => requests.git)
    const lost = list.reduce((sum, one) => sum + one.lost, 0)
    return `${title} / ${name}: first claim tried after ${wait} ms; executor and checks ${work} ms; ${rest} REST, ${git} git requests of all meanwhile; ${lost} lost claims in all`
  })
}

await bench({ name: 'issue-to-pull', budgetMs: 70_000, deadlineMs: 130_000 }, async (context) => {
  const forge = await startForge(context, { users: ['solo', ...crowd, script] })
  const settings = [
    { name: 'one agent', logins: ['solo'], atOnce: 0, until: 0.4, end: 0.4 },
    { name: 'four agents', logins: crowd, atOnce: 4, until: 0.8, end: 1 },
  ]
  const parts: Part[] = []
  const notes: string[] = []
  try {
    for (const { name, logins, atOnce, until: part, end } of settings) {
      const repo = await forge.repository(name.replace(' ', '-'), files)
      const stage = new Stage(context, forge, repo)
      const all: Runs = { [plain]: [], [polite]: [], [name]: [] }
      try {
        await stage.startAgents(logins)
        for (let round = 0; round < rounds && (round === 0 || context.used() < part); round += 1) {
          all[plain]?.push(await stage.byScript(false))
          all[polite]?.push(await stage.byScript(true))
          all[name]?.push(...(await stage.byAgents(1)))
          context.note(`${name}, round ${round + 1} of ${rounds}`)
        }
        if (atOnce > 0) {
          const label = `${name}, ${atOnce} issues at once`
          all[label] = []
          for (let round = 0; round < rounds && (round === 0 || context.used() < end); round += 1) {
            all[label].push(...(await stage.byAgents(atOnce)))
          }
        }
      } finally {
        await stopAll(stage.agents.map(({ guest }) => guest))
      }
      parts.push(...partsOf(name, all))
      notes.push(...notesOf(name, all))
    }
  } finally {
    await forge.stop()
  }
  return {
    parts,
    notes: [
      'With … up / measured (medians):',
      ...notes,
      `Agents look every ${pollMs} ms (30 s unless configured) and wait half of that on average; the script is told the issue.`,
      'octokit’s throttling pauses agents and the polite script alike: at least 1 s between assigning and the pull request. The executor’s time may lie in that pause, so subtracting it can show less than 1 s.',
    ],
    facts: { rounds, pollMs, chore, check },
  }
})
