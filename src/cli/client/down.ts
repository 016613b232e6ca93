/**
 * `bzzz down`: asks the agent to finish or hand back what it works on and to stop, and waits until
 * its process has ended, so that another may start in the home. An agent that has no socket, as one
 * that waits to be let into a mesh, is sent SIGTERM instead, which it takes for the same.
 */
import { connect, homeOwner, isAlive, type LockOwner } from '../../api/client.ts'
import { hasCode, sleep } from '../../util/index.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit.ts'
import { clean } from '../output/text.ts'
import { agentOf } from './agent.ts'

/** An agent hands its tasks back within a minute; twice that, ms. */
const endMs = 120_000
const everyMs = 100

export async function down(context: Context): Promise<number> {
  const { out, signal } = context
  const home = await context.home()
  const agent = await agentOf(context)
  const owner = await homeOwner(home)
  const known = owner !== undefined && owner.startTime !== null ? owner : undefined
  const status = await agent.status().catch((error: unknown) => {
    if (known !== undefined && hasCode(error, 'AGENT_NOT_RUNNING')) return known
    throw error
  })
  if (!('name' in status)) return terminate(context, status)
  const { name, pid } = status
  await agent.stop()
  out.message(`${clean(name)} is stopping: it finishes or hands back its tasks.`)

  const timeoutMs = context.timeoutMs(endMs)
  const probe = connect(home, { timeoutMs: Math.min(timeoutMs, 5_000) })
  const ended = async () =>
    (await refuses(probe)) && (owner === undefined || !(await isAlive(owner)))
  await untilEnded(ended, { who: clean(name), pid, timeoutMs, signal })
  if (out.json) await out.document({ name, pid, stopped: true })
  else out.message(`${clean(name)} has stopped.`)
  return exitCodes.ok
}

async function terminate(context: Context, owner: LockOwner): Promise<number> {
  const { out, signal } = context
  const { pid } = owner
  const who = `Process ${pid}`
  // Looked at once more, so that nothing else with its number is hit.
  if (await isAlive(owner)) send(pid)
  out.message(`${who} was starting, or waited to be let in by a signer; it is told to end.`)
  const ended = async () => !(await isAlive(owner))
  await untilEnded(ended, { who, pid, timeoutMs: context.timeoutMs(endMs), signal })
  if (out.json) await out.document({ name: null, pid, stopped: true })
  else out.message(`${who} has ended.`)
  return exitCodes.ok
}

function send(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error
  }
}

interface Wait {
  who: string
  pid: number
  timeoutMs: number
  signal: AbortSignal
}

async function untilEnded(ended: () => Promise<boolean>, wait: Wait): Promise<void> {
  const { who, pid, timeoutMs, signal } = wait
  const deadline = performance.now() + timeoutMs
  while (!(await ended())) {
    if (performance.now() > deadline) {
      throw new CliError('STILL_STOPPING', `${who} has not ended after ${timeoutMs / 1_000} s.`, {
        data: { pid },
        next: `Wait and look with \`bzzz status\`, or end process ${pid} by force.`,
      })
    }
    await sleep(everyMs, { signal })
  }
}

async function refuses(agent: ReturnType<typeof connect>): Promise<boolean> {
  return agent.live().then(
    () => false,
    (error: unknown) => hasCode(error, 'AGENT_NOT_RUNNING'),
  )
}
