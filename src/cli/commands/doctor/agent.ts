/** The agent that runs in the home, if one does. */
import { connect, describeJournal, type Status } from '../../../api/client.ts'
import { CodedError, hasCode } from '../../../util/index.ts'
import { standingLine } from '../../client/work-lines.ts'
import { failed, ok, warn, type Check } from './check.ts'

const answerMs = 5_000

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
      if (mesh.twins.length > 0)
        return warn(
          `${seen}; two processes run under the identity of ${mesh.twins.join(', ')}`,
          'A home was copied: stop one of the two, and move identity.key out of its home. It joins anew, with a token: type `bzzz invite` on a signer, and there: bzzz join TOKEN',
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
      if (!hasCode(error, 'AGENT_NOT_RUNNING')) return failed(error)
      if (error instanceof CodedError && error.data['pid'] !== undefined)
        return warn(error.message, error.next ?? 'See its log.')
      return ok('no agent runs; start one with `bzzz up`')
    }
  },
})

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
