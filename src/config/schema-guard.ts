/** Options about what may go in and out of a task: protected paths, the search for secrets, the network. */
import { z } from 'zod'
import { option } from './option.ts'

const path = z
  .string()
  .min(1)
  .max(500)
  .regex(/^(?!\/?$)[^\0\\*?]+$/, 'not a path without * and ?')
const paths = z.array(path).max(200)
const host = z
  .string()
  .max(262)
  .regex(
    /^(?:(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/,
    'not HOST, HOST:PORT or *.SUFFIX',
  )
const hosts = z.array(host).max(200)
const pathForm =
  'a list of paths, up to 200: from the root of the repository, or a name at any depth; “/” at the end: all below, at the start: at the root only'
const hostForm =
  'a list of HOST, HOST:PORT and *.SUFFIX, up to 200; without a port 443, and 80 for http'

export const protectedPaths = option(paths.default([]), {
  what: 'Files that no issue may change, beside those that are always protected.',
  why: 'Workflows, agent configuration and git’s own files are protected already; add what deploys or signs.',
  form: pathForm,
  defaultText: 'none more',
})

export const allowPaths = option(paths.default([]), {
  what: 'Files that issues may change although they are protected.',
  why: 'Only for repositories whose reviewers look at such changes. No repository can allow it by itself.',
  form: pathForm,
  defaultText: 'none',
})

export const ignoreSecretRules = option(
  z
    .array(z.string().regex(/^[a-z0-9-]{1,64}$/, 'not the name of a rule'))
    .max(50)
    .default([]),
  {
    what: 'Rules of the search for secrets that do not keep a change from being published.',
    why: 'For repositories whose tests hold values that look like secrets. What this agent itself holds is always found.',
    form: 'a list of names of rules as an error names them, such as [basicauth], up to 50',
    defaultText: 'none',
  },
)

export const network = z
  .strictObject({
    hosts: option(hosts.default([]), {
      what: 'Hosts on the internet that coding agents, checks and chores may reach.',
      why: 'None but those that a coding agent is known to need; what is refused is in the log and the journal. A host that takes uploads is a way out for all that a task can read.',
      form: hostForm,
      defaultText: 'none but those of the executor’s preset',
    }),
    privateHosts: option(hosts.default([]), {
      what: 'Hosts that may also lead into the own network or to this machine.',
      why: 'For a package mirror or a model in the own network. Addresses of a cloud’s metadata are never reached.',
      form: hostForm,
      defaultText: 'none',
    }),
  })
  .prefault({})
  .describe('What a sandbox may reach of the network.')
