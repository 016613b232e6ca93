/** The options of the journal: how much of others' is kept. */
import { z } from 'zod'
import { option, wholeNumber } from './option.ts'

const MIB = 1024 * 1024

export const journal = z
  .strictObject({
    replicate: option(z.enum(['own', 'followed', 'all']).default('all'), {
      what: 'Whose journals are kept here beside the own: nobody’s, those of agents that share a repository with this one, or those of all.',
      why: 'Every copy is one more witness, and `bzzz logs` shows what is here; keep less on a machine with a small disk or in a large mesh.',
      form: 'own, followed or all',
    }),
    diskBudgetBytes: option(
      z
        .int()
        .min(MIB)
        .max(1_024 * 1_024 * MIB)
        .default(4_096 * MIB),
      {
        what: 'Disk that the journals of others may take.',
        why: 'Beyond it the oldest entries of the longest-gone agents are dropped first, never anything of the own; what is left still verifies. About 8 million entries fit into the default.',
        form: wholeNumber(MIB, 1_024 * 1_024 * MIB),
        unit: 'bytes',
      },
    ),
  })
  .prefault({})
  .describe('What agents write down, and how much of it is kept here.')
