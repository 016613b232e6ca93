/**
 * Stops a child and all that it started in place, and lets it go on: SIGSTOP and SIGCONT to the group
 * at once, then, again and again until a look finds nothing to do, to whatever else carries its mark
 * or descends from it (a process may fork between the look and the signal).
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Launch } from './sandbox/plan.ts'
import { findRemains, signalTo, strike, type Reaping } from './reap.ts'

/** Windows has no signal that stops a process. */
export const canFreeze = process.platform !== 'win32'

/** Between two looks, and the longest time that one change takes, ms: only the kernel can hold a process longer. */
const LOOK_MS = 20
const REACH_MS = 5_000

export interface Freezing {
  /** Repeating a state does nothing, unless somebody else may have changed it (`again`). */
  set(frozen: boolean, again: boolean): void
  /** The same for another reason: while one of them holds, it stands still. */
  hold(held: boolean): void
  readonly held: boolean
  /** From now on nothing is stopped or continued. */
  end(): void
}

/** `pause`: the first process of the group is asked instead, and does it. */
export function createFreezing(reaping: Reaping, group: number, pause?: Launch['pause']): Freezing {
  const state = { frozen: false, held: false, wanted: false, ended: !canFreeze }
  let work: Promise<void> = Promise.resolve()
  const signal = () => (state.wanted ? 'SIGSTOP' : 'SIGCONT')

  async function converge(): Promise<void> {
    const began = performance.now()
    while (!state.ended && performance.now() - began < REACH_MS) {
      const rows = await findRemains(reaping)
      const left = rows.filter(({ stopped }) => stopped !== state.wanted)
      if (state.ended || left.length === 0) return
      strike(left, signal())
      await delay(LOOK_MS)
    }
  }

  function apply(again: boolean): void {
    const wanted = state.frozen || state.held
    if (state.ended || (wanted === state.wanted && !again)) return
    state.wanted = wanted
    if (pause !== undefined) {
      signalTo(group, wanted ? pause.freeze : pause.thaw)
      return
    }
    signalTo(-group, signal())
    work = work.then(converge)
  }

  return {
    set(frozen, again) {
      state.frozen = frozen
      apply(again)
    },
    hold(held) {
      state.held = held
      // Whoever asks for it has stopped the child already.
      apply(true)
    },
    get held() {
      return state.held
    },
    end() {
      state.ended = true
    },
  }
}
