/**
 * Who the agent is on GitHub and what it may do there. A token's login and rights are in the answers
 * of the API; an App's are known by how it signs in. No octokit here: `github.ts` lends its call.
 */
import { z } from 'zod'
import type { Credential } from '../../secrets/index.ts'
import { TasksError } from '../errors.ts'
import { asTasksError } from './errors.ts'
import type { Call } from './gate-calls.ts'
import { repositorySchema, toRepository, userSchema } from './shapes.ts'
import type { GitHubWithRefs } from './types.ts'
import { missingOf, principalOf } from './principal.ts'

type AccessCalls = Pick<GitHubWithRefs, 'viewer' | 'repository' | 'principal' | 'assignable'>

/** Whoever starts an agent is to hear soon that GitHub does not answer; each turn asks again. */
const once = { request: { retries: 0 } }

export function accessCalls(init: {
  apiUrl: string
  credential: Credential
  call: Call
}): AccessCalls {
  const { apiUrl, credential, call } = init
  let login: string | null = null
  return {
    async viewer(signal) {
      login =
        credential.kind === 'app'
          ? await asCall(credential.login(signal))
          : (await call('GET /user', once, userSchema, signal)).data.login
      return login
    },
    async repository(repo, signal) {
      const { data } = await call(
        'GET /repos/{owner}/{repo}',
        pathOf(repo),
        repositorySchema,
        signal,
      )
      if (credential.kind === 'token') return toRepository(data)
      // Of an App, the answer does not say what it may do.
      const missing = missingOf(await asCall(credential.permissions({ repo, signal })))
      return { ...toRepository(data), canPush: missing.length === 0, missing }
    },
    principal: (repo) =>
      principalOf(credential, { apiUrl, login, ...(repo === undefined ? {} : { repo }) }),
    async assignable(repo, assignee, signal) {
      const route = 'GET /repos/{owner}/{repo}/assignees/{assignee}'
      try {
        await call(route, { ...pathOf(repo), assignee }, z.unknown(), signal)
        return true
      } catch (error) {
        if (error instanceof TasksError && error.data['status'] === 404) return false
        throw error
      }
    },
  }
}

const pathOf = (repo: string) => {
  const [owner = '', name = ''] = repo.split('/')
  return { owner, repo: name }
}

/** What the App's own calls fail with, as of any other call. */
const asCall = <T>(answer: Promise<T>): Promise<T> =>
  answer.catch((error: unknown) => {
    throw asTasksError(error, 'GET /app', {})
  })
