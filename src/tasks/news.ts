/** What turns find, written into the journal once for each fact, until the fact changes. */
import { RecentMap } from '../util/index.ts'
import type { Said } from './look/floor.ts'
import type { TasksJournal } from './needs.ts'

/** Needs that an entry names; a task may have more. */
const maxNeeds = 20
const firstNeeds = (needs: readonly string[]) =>
  needs.slice(0, maxNeeds).map((need) => need.slice(0, 250))

/** `limit`: facts that are remembered; one that was forgotten is written again. */
export function createNews(
  journal: Pick<TasksJournal, 'append'>,
  limit: number,
): (fact: Said) => Promise<void> {
  const said = new RecentMap<string, string>(limit)
  const cut = (title: string) => title.slice(0, 250)

  return async (fact) => {
    const number = typeof fact.issue === 'number' ? fact.issue : fact.issue.number
    const task = { repo: fact.repo, issue: number }
    const keyOf = (is: Said['is']) => `${is} ${fact.repo.toLowerCase()}#${number}`
    const isNew = (value: string) => {
      if (said.get(keyOf(fact.is)) === value) return false
      said.set(keyOf(fact.is), value)
      return true
    }
    if (fact.is === 'trying') {
      said.delete(keyOf('waiting'))
      said.delete(keyOf('skipped'))
    } else if (fact.is === 'seen') {
      const { place } = fact
      const needs = firstNeeds(fact.needs)
      const title = cut(fact.issue.title)
      const labels = fact.issue.labels.slice(0, 100).map((label) => label.slice(0, 250))
      if (!isNew(JSON.stringify([title, labels]))) return
      const where = place === undefined ? {} : { place }
      await journal.append({ type: 'issue.seen', task, title, labels, needs, ...where })
    } else if (fact.is === 'suspect') {
      const { ref, kind, oid } = fact
      if (!isNew(`${kind} ${oid}`)) return
      const reason = fact.reason.slice(0, 3_900)
      await journal.append({ type: 'claim.suspect', task, ref, kind, oid, reason })
    } else {
      if (!isNew(fact.reason)) return
      const reason = fact.reason.slice(0, 3_900)
      if (fact.is === 'waiting')
        await journal.append({ type: 'task.waiting', task, needs: firstNeeds(fact.needs), reason })
      else
        await journal.append({
          type: 'issue.skipped',
          task,
          title: cut(fact.issue.title),
          reason,
        })
    }
  }
}
