/**
 * What Bzzz counts on in a GitHub, one probe per promise. A probe is a function of a repository, two
 * accounts that may push, and git; it throws when the promise does not hold. Each makes what it
 * needs under names of its own, so that they run in any order and more than once.
 */
import { assigneeProbes, eventProbes, issueProbes, labelProbes } from './issue-probes.ts'
import { httpProbes } from './http-probes.ts'
import { gitProbes, refProbes, updateRefsProbes } from './ref-probes.ts'
import { pullProbes } from './pull-probes.ts'
import { relationProbes } from './relation-probes.ts'
import type { Probe } from './site.ts'

export const probes: readonly Probe[] = [
  ...refProbes,
  ...updateRefsProbes,
  ...gitProbes,
  ...issueProbes,
  ...assigneeProbes,
  ...labelProbes,
  ...eventProbes,
  ...pullProbes,
  ...relationProbes,
  ...httpProbes,
]
