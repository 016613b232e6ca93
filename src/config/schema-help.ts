/** How agents help each other with tasks that are stuck. */
import { z } from 'zod'
import { option, wholeNumber } from './option.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

export const help = z
  .strictObject({
    ask: option(z.boolean().default(true), {
      what: 'Whether this agent asks other agents about a task that is stuck here: its executor asks, its checks keep failing, or this machine lacks what it needs.',
      why: 'What is asked (the issue, the question, the change so far) can be read by every member that it passes; secrets are taken out before. Off: such a task fails at once.',
      form: 'true or false',
    }),
    give: option(z.boolean().default(true), {
      what: 'Whether this agent helps others with its executors.',
      why: 'Help takes a slot like a task, and counts for the budgets of this agent. Questions come from members only.',
      form: 'true or false',
    }),
    people: option(z.boolean().default(false), {
      what: 'Whether a person at this machine may answer, by `bzzz ask answer`.',
      why: 'Requests then also wait here when no executor can help, and others are asked later for it: turn it on where somebody looks.',
      form: 'true or false',
    }),
    handOver: option(z.boolean().default(true), {
      what: 'Whether a task of this agent may be handed on to a helper as a whole.',
      why: 'The claim is handed on without a gap, and the helper goes on from the work branch.',
      form: 'true or false',
    }),
    patienceMs: option(
      z
        .int()
        .min(1_000)
        .max(6 * HOUR)
        .default(30 * MINUTE),
      {
        what: 'Longest time from a request to the end of the help that comes of it.',
        why: 'The claim is kept meanwhile, and its slot; three requests may follow each other.',
        form: wholeNumber(1_000, 6 * HOUR),
        unit: 'ms',
      },
    ),
    workMs: option(
      z
        .int()
        .min(1_000)
        .max(6 * HOUR)
        .default(15 * MINUTE),
      {
        what: 'What a helper’s executor may work on one request of this agent.',
        why: 'The helper stops it then; its own budgets count as well.',
        form: wholeNumber(1_000, 6 * HOUR),
        unit: 'ms',
      },
    ),
    pauseMs: option(z.int().min(0).max(HOUR).default(15_000), {
      what: 'Pause before a task asks again when nobody could help.',
      why: 'Who is busy now may be free then. After three requests in vain the task fails, for a person.',
      form: wholeNumber(0, HOUR),
      unit: 'ms',
    }),
  })
  .prefault({})
  .describe('How agents help each other; see docs/help.md.')
