/** The agent that runs in the home, if one does. */
import {
  connect,
  describeJournal,
  homeOwner,
  lockedSince,
  STARTING_MS,
  type Status,
} from '../../../api/client.ts'
import { CodedError, describeClock, hasCode } from '../../../util/index.ts'
import { standingLine } from '../../client/work-lines.ts'
import { fail, failed, ok, skip, warn, type Check, type Finding } from './check.ts'

const answerMs = 10_000

export const agentCheck = (home: string, socketPath: string | undefined): Check => ({
  id: 'agent',
  run: async (signal) => {
    const socket = socketPath === undefined ? {} : { socketPath }
    const agent = connect(home, { signal, timeoutMs: answerMs, ...socket })
    try {
      const { name, state, mesh, github, slots, journal, work } = await agent.status()
      const seen = `${name} is ${state}: ${mesh.connected} of ${mesh.known} peers connected, ${slots.used} of ${slots.total} slots in use`
      const failing = github.repos.filter(
        ({ ok: fine, lastSuccessMs }) => !fine && lastSuccessMs !== null,
      )
      const [worst] = failing
      if (worst !== undefined)
        return warn(`${seen}; ${worst.repo}: ${worst.error ?? 'failing'}`, 'Look with: bzzz status')
      if (journal.state.is !== 'open')
        return warn(
          `${seen}; its journal: ${describeJournal(journal.state)}`,
          adviceFor(journal.state),
        )
      if (mesh.clock !== null && mesh.clock !== undefined)
        return warn(
          `${seen}; its clock is ${describeClock(mesh.clock)}`,
          'Let the system set it: timedatectl set-ntp true. Until then it admits and renews nobody.',
        )
      if (mesh.twins.length > 0)
        return warn(
          `${seen}; two processes run under the identity of ${mesh.twins.join(', ')}`,
          'A home was copied: stop one of the two, and move identity.key out of its home. It joins anew, with a token: type `bzzz invite` on a signer, and there: bzzz join TOKEN',
        )
      const [branch, ...more] = journal.branches ?? []
      if (branch !== undefined)
        return warn(
          `${seen}; its journal branches: ${branch}${more.length > 0 ? ` (and ${more.length} more)` : ''}`,
          'Nothing is lost: every branch is signed and kept. If a copy of this home still runs, stop it, and move identity.key out of that copy. See all with: bzzz logs verify',
        )
      const away = work?.standings.find(({ is }) => is === 'away')
      if (away !== undefined)
        return warn(
          `${seen}; ${standingLine(away, Date.now())}`,
          away.why === 'quota'
            ? 'It is used again by itself then.'
            : 'Put right what the reason names; it is looked at again by itself. See: bzzz executor ls',
        )
      const hooks = refusedHooks(github.webhooks)
      if (hooks !== undefined)
        return warn(
          `${seen}; ${hooks}`,
          'Compare the secret of the hook on GitHub with github.webhooks.secret; the log names who sent them.',
        )
      if (state === 'draining') return warn(seen, 'It is ending; start it again with: bzzz up')
      return ok(seen)
    } catch (error) {
      if (hasCode(error, 'DEADLINE')) return silent(await holderOf(home), Date.now())
      if (!hasCode(error, 'AGENT_NOT_RUNNING')) return failed(error)
      return silentBy(error)
    }
  },
})

/** Nothing listens on its socket. */
function silentBy(error: unknown): Finding {
  if (!(error instanceof CodedError) || error.data['pid'] === undefined)
    return ok('no agent runs; start one with `bzzz up`')
  // What just starts is no fault; nor is it known to be well.
  if (error.data['starting'] === true) return skip(`${error.message} ${error.next ?? ''}`.trim())
  return warn(error.message, error.next ?? 'See its log.')
}

interface Holder {
  pid: number
  sinceMs: number | undefined
}

async function holderOf(home: string): Promise<Holder | undefined> {
  const owner = await homeOwner(home).catch(() => undefined)
  return owner === undefined
    ? undefined
    : { pid: owner.pid, sinceMs: await lockedSince(home).catch(() => undefined) }
}

/** Something listens, but says nothing in time. Pure. */
export function silent(holder: Holder | undefined, nowMs: number): Finding {
  if (holder === undefined) return ok('the agent has just ended; start one with `bzzz up`')
  const { pid, sinceMs } = holder
  const within = `within ${answerMs / 1_000} s`
  if (sinceMs !== undefined && nowMs - sinceMs < STARTING_MS)
    return skip(
      `is starting (process ${pid}), and too busy to answer ${within}; look again in a moment`,
    )
  return fail(
    `process ${pid} runs, but does not answer ${within}`,
    `See its log. Where the machine is only busy, look again: bzzz status --timeout 60. Else end it: bzzz down`,
  )
}

function adviceFor({ is }: Status['journal']['state']): string {
  if (is === 'low' || is === 'full')
    return 'Free some space where the home is; it goes on by itself.'
  return is === 'failed' ? 'Restart the agent; its log says why.' : 'Look again with: bzzz status'
}

/** What the webhook receiver refused; a repeated delivery is refused in silence, as a replay would be. */
function refusedHooks(webhooks: Status['github']['webhooks']): string | undefined {
  if (webhooks === null) return undefined
  const { unsigned, invalid, repeated } = webhooks.deliveries
  if (unsigned + invalid === 0) return undefined
  return `webhooks refused: ${unsigned} without a good signature, ${invalid} not understood (${repeated} repeated ones ignored)`
}
