/** Options about what does the work beside what is found, and what it may do. */
import * as field from './fields.ts'
import { option } from './option.ts'

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
  defaultText: 'none beside `command` and the coding agents found on the machine',
})
