/** Every probe holds against the forge, and every answer is of GitHub's shape. */
import { afterAll, beforeAll, describe, it } from 'vitest'
import { client, site, type Site } from '../unit/forge/helper.ts'
import { probes } from './probes.ts'
import type { ProbeSite } from './site.ts'

const people = ['ada', 'bob', ...Array.from({ length: 9 }, (_, at) => `p${at}`)]
let at: Site
let probed: ProbeSite
beforeAll(async () => {
  const users = people.map((login) => ({ login, token: `token-${login}`, role: 'push' as const }))
  at = await site({ users })
  const clone = await at.clone('ada')
  probed = {
    octokit: client(at.server.apiUrl, 'token-ada'),
    other: client(at.server.apiUrl, 'token-bob'),
    owner: 'octo',
    repo: 'lib',
    people,
    git: async (...args) => {
      const { exitCode, tail } = await at.git(clone, ...args)
      return { code: exitCode ?? -1, text: tail }
    },
  }
})
afterAll(() => at.close())

describe('the forge', () => {
  it.each(probes.map(({ name, run }) => [name, run] as const))('%s', (_, run) => run(probed))
})
