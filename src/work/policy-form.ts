/** What is accepted in the front matter of `WORKFLOW.md`, in words, for who got it wrong. */
import type { Fields } from '../config/index.ts'

/** Anchors are for a repeated list or two, not for bombs. */
const MAX_ALIASES = 20

const run = '[PROGRAM, ARGUMENT, …], one word each and no shell line'
const argument: Fields = {
  type: 'string, integer or boolean',
  pattern: 'a regular expression',
  enum: 'a list of texts',
  default: 'a value that satisfies the rule',
  maxLength: 'a whole number, 1 to 1000',
  description: 'a text',
}
const rule = { form: '{type, pattern, enum, default, maxLength, description}', fields: argument }
const limits: Fields = {
  usd: 'US dollars',
  tokens: 'a whole number',
  wallMs: 'a whole number (ms)',
}

export const form = {
  file: 'WORKFLOW.md',
  /** The line of three dashes. */
  linesBefore: 1,
  maxAliases: MAX_ALIASES,
  options: [
    { path: 'paused', form: 'true, false, or the reason' },
    { path: 'requiredLabels', form: 'a list of labels, up to 20' },
    {
      path: 'checks',
      form: 'a list of {name, run: [PROGRAM, …], timeoutMs}, up to 32',
      fields: () => ({
        name: '1 to 64 of letters, digits, “.”, “_” and “-”',
        run,
        timeoutMs: 'a whole number, 100 to 3600000 (ms)',
      }),
    },
    {
      path: 'chores',
      form: 'a mapping of NAME: {run: [PROGRAM, …], arguments: {NAME: {type: string}}, description}',
      fields: () => ({
        run,
        arguments: { form: 'a mapping of NAME: {type: string}', fields: { '*': rule } },
        description: 'a text',
      }),
    },
    { path: 'wallTimeMs', form: 'a whole number, 100 to 86400000 (ms)' },
    { path: 'budget', form: '{task, day, peer}, each {usd, tokens, wallMs}', fields: () => limits },
  ],
}
