/** The lock of the home, taken also where the disk is full: a start then begins, and waits for space. */
import { acquireHomeLock, homeOwner, type HomeLock } from '../api/index.ts'
import { giveUpReserve } from '../journal/index.ts'
import { hasCode, type Startable } from '../util/index.ts'
import { journalDirectory } from './rooms.ts'

/** Errors of `start`: `HOME_IN_USE`, `HOME_FULL`, `HOME_UNUSABLE`. */
export function homeLock(home: string): Startable {
  let lock: HomeLock | undefined
  return {
    start: async () => {
      lock = await acquireHomeLock(home).catch(async (error: unknown) => {
        // Nobody holds it, so nobody relies on what the journal holds back for such a day.
        if (!hasCode(error, 'HOME_FULL') || (await homeOwner(home)) !== undefined) throw error
        if (!(await giveUpReserve(journalDirectory(home)))) throw error
        return acquireHomeLock(home)
      })
    },
    stop: async () => lock?.release(),
  }
}
