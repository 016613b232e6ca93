/**
 * What an executor does, told to people line by line: text is joined to lines, each line bounded,
 * and after a number of lines the rest of the task is silent. The journal's digests have it all.
 */
import { recordActivity, type ActivityInit } from './activity.ts'
import { oneLine } from './clean.ts'
import type { ExecutorEvent } from './executor.ts'

/** Lines of progress of one task. */
export const MAX_PROGRESS = 300
const MAX_LINE = 500

/** Also records what the journal may hold (activity.ts). Resolves when the events have ended. */
export async function relayEvents(
  events: AsyncIterable<ExecutorEvent>,
  init: ActivityInit,
): Promise<void> {
  const { onEvent } = init
  const activity = recordActivity(init)
  let count = 0
  let text = ''
  const say = (line: string) => {
    const shown = oneLine(line, MAX_LINE)
    if (shown === '' || count > MAX_PROGRESS) return
    count += 1
    onEvent({ type: 'progress', text: count > MAX_PROGRESS ? 'More is not shown.' : shown })
  }
  const flush = () => {
    say(text)
    text = ''
  }
  for await (const event of events) {
    if (event.type !== 'text') flush()
    activity.take(event)
    switch (event.type) {
      case 'text': {
        const lines = `${text}${event.text}`.split('\n')
        text = (lines.pop() ?? '').slice(-MAX_LINE * 2)
        lines.forEach(say)
        if (text.length > MAX_LINE) flush()
        break
      }
      case 'plan':
        say(`plan: ${event.steps.join(' · ')}`)
        break
      case 'tool':
        if (event.title !== '') say(`${event.title} (${event.status})`)
        break
      case 'file':
        say(`wrote ${event.path}`)
        break
      case 'permission':
        say(`${event.allowed ? 'allowed' : 'refused'}: ${event.title}`)
        break
      case 'asked':
        say(`asks a person: ${event.title}`)
        break
      case 'session':
        if (event.how !== 'new') say(`its conversation was ${event.how}`)
        break
      case 'usage':
        break
    }
  }
  flush()
  activity.close()
}
