/** What turns find, written into the journal once for each fact, until the fact changes. */
import { RecentMap } from '../util/index.ts'
import type { Said } from './floor.ts'
import type { TasksJournal } from './needs.ts'

/** `limit`: facts that are remembered; one that was forgotten is written again. */
export function createNews(
  journal: Pick<TasksJournal, 'append'>,
  limit: number,
): (fact: Said) => Promise<void> {
  const said = new RecentMap<string, string>(limit)
  return async (fact) => {
    const number = fact.is === 'seen' ? fact.issue.number : fact.issue
    const key = `${fact.is} ${fact.repo.toLowerCase()}#${number}`
    const task = { repo: fact.repo, issue: number }
    if (fact.is === 'seen') {
      const title = fact.issue.title.slice(0, 250)
      const labels = fact.issue.labels.slice(0, 100).map((label) => label.slice(0, 250))
      const value = JSON.stringify([title, labels])
      if (said.get(key) === value) return
      said.set(key, value)
      await journal.append({ type: 'issue.seen', task, title, labels, needs: fact.needs })
      return
    }
    if (said.get(key) === fact.reason) return
    said.set(key, fact.reason)
    await journal.append({
      type: 'task.waiting',
      task,
      needs: fact.needs,
      reason: fact.reason.slice(0, 3_900),
    })
  }
}
