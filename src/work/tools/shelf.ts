/** The tools of the tasks that run now, by task. Bounded by the slots of the agent. */
import type { TaskTools } from './types.ts'

interface TaskRef {
  repo: string
  issue: number
}

export interface Shelf {
  /** Returns what takes it away again. */
  put(tools: TaskTools): () => void
  find(task: TaskRef): TaskTools | undefined
}

export function createShelf(): Shelf {
  const shown = new Map<string, TaskTools>()
  const keyOf = ({ repo, issue }: TaskRef) => `${repo.toLowerCase()}#${issue}`
  return {
    put(tools) {
      const key = keyOf(tools.facts().task)
      shown.set(key, tools)
      return () => {
        if (shown.get(key) === tools) shown.delete(key)
      }
    },
    find: (task) => shown.get(keyOf(task)),
  }
}
