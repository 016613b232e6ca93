/** Requests that wait here for a person's advice. Bounded: a request beyond that is helped without people. */
import { TasksError } from '../errors.ts'

const maxWaiting = 32
/** Longest advice that the wire takes, characters. */
export const maxAdvice = 32_000

export interface Waiting {
  id: string
  question: string
  summary: string
  /** Monotonic ms. */
  until: number
}

export interface People {
  /** Resolves with the advice; rejects when the signal fires. Undefined when too many wait. */
  wait(about: Waiting, signal: AbortSignal): Promise<string> | undefined
  list(): Waiting[]
  /** `atWork`: requests that executors work on here. Errors: `ASK_UNKNOWN`, `ASK_TAKEN`, `ASK_INVALID`. */
  answer(id: string, text: string, atWork?: Iterable<string>): void
}

export function createPeople(): People {
  const waiting = new Map<string, { about: Waiting; give: (text: string) => void }>()
  return {
    wait(about, signal) {
      if (waiting.size >= maxWaiting || signal.aborted) return undefined
      return new Promise((resolve, reject) => {
        const end = () => {
          signal.removeEventListener('abort', end)
          waiting.delete(about.id)
          reject(signal.reason as Error)
        }
        const give = (text: string) => {
          signal.removeEventListener('abort', end)
          waiting.delete(about.id)
          resolve(text)
        }
        waiting.set(about.id, { about, give })
        signal.addEventListener('abort', end, { once: true })
      })
    },
    list: () => [...waiting.values()].map(({ about }) => about),
    answer(id, text, atWork = []) {
      const found = [...waiting].filter(([known]) => known.startsWith(id))
      const [one] = found
      const [taken, ...others] = [...atWork].filter((known) => known.startsWith(id))
      if (one === undefined && taken !== undefined && others.length === 0) throw takenError(taken)
      if (one === undefined || found.length > 1)
        throw new TasksError('ASK_UNKNOWN', `No one request ${id.slice(0, 40)} waits here.`, {
          data: { id: id.slice(0, 40) },
          next: 'See with `bzzz ask ls` which wait for a person on this machine.',
        })
      if (text.trim() === '' || text.length > maxAdvice)
        throw new TasksError('ASK_INVALID', `An answer has 1 to ${maxAdvice} characters.`, {
          data: { field: 'text' },
          next: 'Shorten it.',
        })
      one[1].give(text)
    },
  }
}

const takenError = (id: string) =>
  new TasksError('ASK_TAKEN', `An executor of this machine works on request ${id} already.`, {
    data: { id },
    next: `See with \`bzzz ask show ${id.slice(0, 8)}\` what comes of it. With \`help.people: true\` a person may answer before the executor, where advice is wanted.`,
  })
