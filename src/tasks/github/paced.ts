/**
 * octokit, made anew when the wall clock was set back. Its throttling (Bottleneck) remembers by the wall
 * clock when the next request may go; when that is set back by an hour, nothing would be sent for an
 * hour. Its groups are shared by all clients of a process, so a new client also needs a new name.
 */
import type { Octokit } from 'octokit'
import type { Clock } from '../../util/index.ts'

/** A clock that is set back by less costs a wait that nobody notices, ms. */
const LEAST_STEP_MS = 2_000

/** `make`: a client whose throttling has the name `id`. */
export function pacedOctokit(make: (id: string) => Octokit, clock: Clock): () => Octokit {
  /** Of the wall clock over the monotonic one, ms: only steps change it. */
  const lead = () => clock.now() - clock.monotonic()
  let steps = 0
  let highest = lead()
  let current = make('bzzz')
  return () => {
    const now = lead()
    if (highest - now > LEAST_STEP_MS) {
      steps += 1
      highest = now
      current = make(`bzzz after ${steps}`)
    }
    highest = Math.max(highest, now)
    return current
  }
}
