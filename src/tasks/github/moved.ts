/**
 * Issues that were transferred. GitHub redirects reads of the old place to the new one, in another
 * repository and mostly under another number: what comes back is another task, of a repository
 * that may not even be worked. A repository that was renamed redirects as well, and is still the same:
 * so its present name is asked for before an issue is said to have moved.
 */
import { RecentMap } from '../../util/index.ts'
import { TasksError } from '../errors.ts'

/** An issue as it was answered. */
interface Answered {
  number: number
  /** API URL of its repository. */
  repository_url?: string | undefined
}

export interface Whereabouts {
  /** Errors: `GITHUB_NOT_FOUND` when the answer is about another issue than the one that was asked for. */
  mustBe(repo: string, number: number, answer: Answered, signal: AbortSignal): Promise<void>
}

/** Repositories whose present name is remembered: no configuration has more. */
const maxNames = 200

/** `nameNow`: the present full name of a repository. */
export function createWhereabouts(
  nameNow: (repo: string, signal: AbortSignal) => Promise<string>,
): Whereabouts {
  const names = new RecentMap<string, string>(maxNames)
  const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase()

  return {
    async mustBe(repo, number, answer, signal) {
      const at = repositoryOf(answer.repository_url)
      const known = names.get(repo) ?? repo
      const here = at === undefined || same(at, known) || same(at, await renamed(repo, signal))
      if (here && answer.number === number) return
      const to = `${at ?? repo}#${answer.number}`
      throw new TasksError('GITHUB_NOT_FOUND', `${repo}#${number} was transferred to ${to}.`, {
        data: { repo, issue: number, to },
      })
    },
  }

  async function renamed(repo: string, signal: AbortSignal): Promise<string> {
    const name = await nameNow(repo, signal)
    names.set(repo, name)
    return name
  }
}

/** `owner/name` at the end of an API URL. */
const repositoryOf = (url: string | undefined) => /\/repos\/([^/]+\/[^/]+)$/.exec(url ?? '')?.[1]
