/** Options about what does the work beside what is found, and what it may do. */
import * as field from './fields.ts'
import { option, wholeNumber, type Fields } from './option.ts'
import { isTree } from './tree.ts'

const word = 'a word of up to 64 letters, digits and . _ : + -'
const words = '[PROGRAM, ARGUMENT, …]'
const variables = 'a list of names of variables, up to 50'
const usd = 'US dollars for a million tokens, 0 or more'
const kinds = 'acp, chat, command or mock'

const byKind: Readonly<Record<string, Fields>> = {
  acp: {
    name: word,
    kind: kinds,
    command: `${words}, which speaks the Agent Client Protocol`,
    version: `${words}, which prints its version`,
    home: 'temporary or user',
    passEnv: variables,
    auth: 'a way to sign in, one of its authMethods',
    models: 'a list of names of models, up to 50',
  },
  chat: {
    name: word,
    kind: kinds,
    url: 'the base of an OpenAI-compatible API, such as http://127.0.0.1:11434/v1 or https://HOST/v1',
    model: 'the name of a model, 1 to 200 characters',
    apiKey: {
      form: '{file: PATH}, {credential: NAME} or {env: NAME}',
      fields: { file: 'a path', credential: 'the name of a credential', env: 'a variable' },
    },
    allowHttp: 'true or false',
    contextTokens: wholeNumber(2_048, 10_000_000),
    maxOutputTokens: wholeNumber(256, 200_000),
    maxRounds: wholeNumber(1, 1_000),
    maxTokens: wholeNumber(1_000, 1_000_000_000),
    price: {
      form: '{inputPerMillion, outputPerMillion}',
      fields: { inputPerMillion: usd, outputPerMillion: usd },
    },
    temperature: 'a number, 0 to 2',
    run: `a list of ${words}, up to 50`,
  },
  command: { name: word, kind: kinds, passEnv: `${variables} that look like no secrets` },
  mock: { name: word, kind: kinds },
}

/** Of an entry whose kind is not known: what all have. */
function fields(entry: unknown): Fields {
  const kind = isTree(entry) && Object.hasOwn(entry, 'kind') ? String(entry['kind']) : ''
  return (Object.hasOwn(byKind, kind) ? byKind[kind] : undefined) ?? { name: word, kind: kinds }
}

export const permissions = option(field.path.optional(), {
  what: 'File with the rules by which coding agents that ask for permission are answered.',
  why: 'Without it they may do what stays within the workspace of the task. Rules allow, deny, or ask a person: docs/executors.md shows their form.',
  form: 'a path to a YAML file',
  defaultText: 'none: what lies within the workspace is allowed, the rest denied',
})

export const executors = option(field.executors.default([]), {
  what: 'Executors beside those that are found by themselves.',
  why: 'For a coding agent with other arguments, another home or variables of its own, and for a model behind an OpenAI-compatible API; an entry replaces a found one of the same name.',
  form: 'a list of {name, kind: acp, command: [PROGRAM, …], version: [PROGRAM, …], home: temporary or user, passEnv: [NAME, …], auth: METHOD, models: [NAME, …]}, {name, kind: chat, url, model, apiKey: {env|file|credential}, contextTokens, maxOutputTokens, maxRounds, maxTokens, price: {inputPerMillion, outputPerMillion}, temperature, run: [[PROGRAM, …]], allowHttp}, {name, kind: command, passEnv: [NAME, …]} or {name, kind: mock}, up to 32; a coding agent that Bzzz knows by name needs no command',
  fields,
  defaultText: 'none beside `command` and the coding agents found on the machine',
})
