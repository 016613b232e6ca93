/**
 * `bzzz down`: asks the agent to finish or hand back what it works on and to stop, and waits until
 * its process has ended, so that another may start in the home.
 */
import { connect, homeOwner, isAlive } from '../../api/client.ts'
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
  const { name, pid } = await agent.status()
  await agent.stop()
  out.message(`${clean(name)} is stopping: it finishes or hands back its tasks.`)

  const timeoutMs = context.timeoutMs(endMs)
  const deadline = performance.now() + timeoutMs
  const probe = connect(home, { timeoutMs: Math.min(timeoutMs, 5_000) })
  const ended = async () =>
    (await refuses(probe)) && (owner === undefined || !(await isAlive(owner)))
  while (!(await ended())) {
    if (performance.now() > deadline) {
      throw new CliError(
        'STILL_STOPPING',
        `${clean(name)} has not ended after ${timeoutMs / 1_000} s.`,
        {
          data: { pid },
          next: `Wait and look with \`bzzz status\`, or end process ${pid} by force.`,
        },
      )
    }
    await sleep(everyMs, { signal })
  }
  if (out.json) await out.document({ name, pid, stopped: true })
  else out.message(`${clean(name)} has stopped.`)
  return exitCodes.ok
}

async function refuses(agent: ReturnType<typeof connect>): Promise<boolean> {
  return agent.live().then(
    () => false,
    (error: unknown) => hasCode(error, 'AGENT_NOT_RUNNING'),
  )
}
