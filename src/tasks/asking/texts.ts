/** What people are told when the requests of a task are used up. Pure. */
import type { FailedWork } from '../needs.ts'
import type { HelpDesk, Tried } from './desk.ts'

const maxNamed = 5

/** A failure that names each request: whom it went to, how it ended, and where that is written. */
export function exhaustedWork(
  work: FailedWork,
  tried: readonly Tried[],
  { who }: Pick<HelpDesk, 'who'>,
  { repo, issue }: { repo: string; issue: number },
): FailedWork {
  const named = (peers: readonly string[]) =>
    peers.length === 0
      ? 'nobody'
      : `${peers
          .slice(0, maxNamed)
          .map((peer) => who(peer).name)
          .join(', ')}${peers.length > maxNamed ? ', …' : ''}`
  const requests = tried.map(({ id, asked, helper, outcome, reason, entries }) => {
    const by = helper === undefined ? '' : `, ${who(helper).name} helped`
    const [first] = entries
    const where = first === undefined ? '' : ` (entry ${first.peerId} ${first.epoch}/${first.seq})`
    return {
      text: `asked ${named(asked)}${by}: ${outcome}. ${reason}${where}`,
      command: `bzzz ask show ${id.slice(0, 12)}`,
    }
  })
  return {
    ...work,
    code: 'HELP_EXHAUSTED',
    reason: `${work.reason} ${tried.length} requests for help to other agents did not solve it either.`,
    requests,
    logs: `bzzz logs --task ${repo}#${issue}`,
  }
}
