/** What happens between a pull request and its end: rounds of feedback, drafts, follow-up issues. */
import { z } from 'zod'
import { option, wholeNumber } from './option.ts'

const HOUR = 60 * 60_000

export const feedback = {
  maxRounds: option(z.int().min(0).max(20).default(3), {
    what: 'Rounds of work on failing checks, reviews and conflicts of one pull request, by all agents together.',
    why: 'After them it gets the label `github.labels.needsHuman`, and a comment says what was tried; `/bzzz retry` begins anew, and taking the label off grants as many more. 0: no rounds; drafts become ready and commands are obeyed all the same.',
    form: wholeNumber(0, 20),
  }),
  feedbackQuietMs: option(z.int().min(0).max(HOUR).default(30_000), {
    what: 'How long nothing new must be said about a pull request before a round begins.',
    why: 'A reviewer writes several comments, and checks fail one after another: one round answers them all.',
    form: wholeNumber(0, HOUR),
    unit: 'ms',
  }),
  drafts: option(z.enum(['never', 'always', 'checks']).default('never'), {
    what: 'Whether pull requests are opened as drafts: never, always, or until their checks have passed.',
    why: 'A draft asks nobody for a review. An issue with the label `github.labels.draft` gets one in any case. Where the forge has no drafts, it is opened as usual.',
    form: 'never, always or checks',
  }),
  followUps: option(z.enum(['never', 'plain', 'trigger']).default('plain'), {
    what: 'What becomes of sub-issues and follow-up issues that an executor names: nothing, issues, or issues that are tasks at once.',
    why: '`trigger` lets the words of a coding agent start work; `plain` leaves it to a person to label them.',
    form: 'never, plain or trigger',
  }),
}
