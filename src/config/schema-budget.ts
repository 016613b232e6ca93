/** What may be spent: on a task, in a day by all agents, in a day by this one. */
import { z } from 'zod'
import { option, wholeNumber } from './option.ts'

const budgetOf = (whose: string, why: string) =>
  z
    .strictObject({
      tokens: option(z.int().min(1).max(1e12).optional(), {
        what: `Tokens, read and written, that may be spent on ${whose}.`,
        why,
        form: wholeNumber(1, 1e12),
        defaultText: 'no limit',
      }),
      usd: option(z.number().min(0.000001).max(1e6).optional(), {
        what: `Money, in US dollars, that may be spent on ${whose}, as executors tell it.`,
        why: 'Only executors that know their prices tell it: the others need a limit of tokens or time.',
        form: 'a number from 0.000001 to 1000000',
        defaultText: 'no limit',
      }),
      wallMs: option(z.int().min(1_000).max(1e11).optional(), {
        what: `Time of executors that may be spent on ${whose}.`,
        why: 'It counts what runs at once, each for itself.',
        form: wholeNumber(1_000, 1e11),
        unit: 'ms',
        defaultText: 'no limit',
      }),
    })
    .prefault({})
    .describe(`What may be spent on ${whose}.`)

export const budget = z
  .strictObject({
    task: budgetOf(
      'one task by all its attempts',
      'A task that cannot be done ends before it has cost more; the issue is then marked as failed.',
    ),
    day: budgetOf(
      'all tasks by all agents of the mesh in a UTC day',
      'What the journals here tell of the others counts. Work is stopped at the limit and handed back; with less than a tenth left nothing new is begun.',
    ),
    peer: budgetOf(
      'all tasks by this agent in a UTC day',
      'Work is stopped at the limit and handed back; with less than a tenth left nothing new is begun.',
    ),
  })
  .prefault({})
  .describe(
    'Budgets, enforced while executors run and remembered in the journal. A repository’s WORKFLOW.md may name its own, which count what is spent on it.',
  )
