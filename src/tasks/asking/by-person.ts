/**
 * `/bzzz ask …` in a comment: the running task asks as its executor would. A patch goes into the work as
 * it stands; advice is shown to people at once, and to the executor when it works again.
 */
import { explain, withoutLocalPaths } from '../../util/index.ts'
import type { Active } from '../active.ts'
import type { Asked, Context } from '../context.ts'
import type { PersonReply, TasksWork } from '../needs.ts'
import { fenced, plain } from '../texts.ts'

const maxShown = 6_000
const ended = 'The task ended before an answer came.'

export interface ByPersonComponents {
  active: Pick<Active, 'held'>
  work: Pick<TasksWork, 'tools'>
  stopping: () => AbortSignal
}

/** Answers at once; what comes of it is written as another comment. */
export function createByPerson({ active, work, stopping }: ByPersonComponents) {
  return (context: Context) =>
    async ({ repo, issue, number, question, from }: Asked): Promise<string> => {
      const held = active.held(repo, issue)
      if (held?.asking === undefined) return 'Nothing here works on this issue now, or help is off.'
      const tools = work.tools?.({ repo, issue })
      if (tools === undefined)
        return 'No executor works on this issue at the moment; ask again soon.'
      if (held.asking.left() === 0) return 'All requests for help of this issue are used up.'
      const agentStops = stopping()
      const signal = AbortSignal.any([held.signal, agentStops])
      void tools
        .askHelp({ question: `${question}\n\n(Asked by ${from}.)`.slice(0, 4_000) }, signal)
        .catch((error: unknown): PersonReply => {
          if (held.signal.aborted && !agentStops.aborted) return { is: 'over', reason: ended }
          throw error
        })
        .then(async (reply) => {
          if (reply.is === 'advice') held.advice = { helper: reply.helper, text: reply.text }
          await context.github.comment(repo, number, textOf(reply), agentStops)
        })
        .catch((error: unknown) => {
          if (agentStops.aborted) return
          const about = { event: 'help.person', repo, issue, err: explain(error) }
          context.logger.warn(about, 'what came of a request cannot be said')
        })
      return 'The other agents are asked; what comes of it will be said here.'
    }
}

export function textOf(reply: PersonReply): string {
  switch (reply.is) {
    case 'advice':
      return [
        `**${plain(reply.helper)} advises:**`,
        '',
        fenced(reply.text.slice(0, maxShown)),
      ].join('\n')
    case 'patched': {
      const files = reply.files.map(plain).join(', ')
      return `**${plain(reply.helper)} gave a patch,** which is in the work now: ${files}. ${plain(reply.note)}`
    }
    case 'handed-over':
      return `**${plain(reply.helper)} goes on with this issue.**`
    case 'refused':
      return `**${plain(reply.helper)} answered, and it could not be used:** ${why(reply)}`
    case 'over':
      return `**The agents are not asked any more:** ${why(reply)}`
    case 'nobody':
    case 'exhausted':
    case 'off':
      return `**No agent could help:** ${why(reply)}`
  }
}

const why = ({ reason }: { reason: string }) => plain(withoutLocalPaths(reason))
