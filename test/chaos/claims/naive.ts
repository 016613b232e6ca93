/**
 * The protocol that most coordinators of agents use, in the same world: read the assignees, assign
 * oneself when there is nobody, believe it, work, open a pull request from a branch of one's own. The
 * checkers must catch it.
 */
import { sleep, repeat, unlimited } from '../../../src/util/index.ts'
import { newProcess, sendOf } from './agent.ts'
import { workOf } from './executor.ts'
import { gitHubOf, repositoryOf } from './clients.ts'
import { repo, trigger } from './server.ts'
import type { Machine, RunningAgent, World } from './world.ts'

export async function startNaive(world: World, machine: Machine): Promise<RunningAgent> {
  const process = newProcess(world, machine)
  const { clock } = process
  const { name, login } = machine
  const send = sendOf(world, machine, process)
  const { tuning } = world
  const plainRefs = repositoryOf(name, world.server, send, machine.store)
  const refs = tuning.refs?.(machine, plainRefs) ?? plainRefs
  const plainGitHub = gitHubOf(name, login, world.server, send, { assigning: () => undefined })
  const github = tuning.github?.(machine, plainGitHub) ?? plainGitHub
  const work = tuning.work?.(machine, process) ?? workOf(world, machine, process)
  const ending = new AbortController()
  let busy = false

  async function take(number: number, signal: AbortSignal): Promise<void> {
    const { assignees } = await github.issue(repo, number, signal)
    if (assignees.length > 0) return
    const after = await github.assign(repo, number, login, signal)
    if (!after.assignees.includes(login)) return
    const issue = { number, title: '', body: '', labels: [] }
    const source = { gitDir: name, baseBranch: 'main', base: world.server.base }
    const order = { id: `${number}`, repo, issue, attempt: 1, source, author: { name, email: '' } }
    const policy = { requiredLabels: [] }
    const control = { signal, permit: unlimited, onEvent: () => undefined }
    const result = await work.run({ ...order, policy }, {}, control)
    if (result.outcome !== 'changed') return github.unassign(repo, number, login, signal)
    const branch = `${name}/issue-${number}`
    await refs.push([{ ref: `refs/heads/${branch}`, expected: null, next: result.head }], signal)
    const pull = { head: branch, base: 'main', title: '', body: `Closes #${number}\n` }
    await github.openPull(repo, pull, signal)
  }

  const turns = repeat(
    async (signal) => {
      for (const { number, assignees } of await github.openIssues(repo, trigger, signal)) {
        if (assignees.length > 0) continue
        await sleep(world.random.between(0, 500), { signal, clock })
        busy = true
        await take(number, ending.signal).finally(() => (busy = false))
      }
    },
    { everyMs: tuning.settings?.pollMs ?? 20_000, clock, onError: () => undefined },
  )
  await turns.start()
  return {
    process,
    idle: () => !busy,
    async stop() {
      ending.abort(new Error('the agent stops'))
      await turns.stop()
    },
  }
}
