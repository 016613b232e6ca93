/**
 * The observer of a run: it follows what each agent shows of all journals, and notes each entry when
 * it is shown first, with one clock. An agent that is away is followed again when it is back; what it
 * shows then is compared with what it showed before.
 */
import { connect } from '../../../src/api/client.ts'
import { sleep } from '../../../src/util/index.ts'
import { contentOf, placeOf, type Sighting } from './replicas.ts'

/** Until an agent that does not answer is asked again, ms. */
const againMs = 500
/** Different entries that are kept; a run has some thousands. */
const maxSightings = 200_000

export class Recorder {
  readonly #sightings = new Map<string, Sighting>()
  readonly #over = new AbortController()
  readonly #following = new Set<Promise<void>>()

  /** Each entry once; twice where one place showed two. */
  get sightings(): readonly Sighting[] {
    return [...this.#sightings.values()]
  }

  /** From now on what the agent of this home shows is noted. */
  follow(holder: string, home: string): void {
    const following = this.#follow(holder, home)
    this.#following.add(following)
  }

  async #follow(holder: string, home: string): Promise<void> {
    const { signal } = this.#over
    while (!signal.aborted) {
      try {
        for await (const entry of connect(home).logs({}, { follow: true, signal })) {
          const key = `${placeOf(entry)} ${contentOf(entry)}`
          if (this.#sightings.has(key) || this.#sightings.size >= maxSightings) continue
          this.#sightings.set(key, { holder, at: Date.now(), entry })
        }
      } catch {
        // It is killed, stopped or not yet up: that is what the run is about.
      }
      await sleep(againMs, { signal }).catch(() => undefined)
    }
  }

  async stop(): Promise<void> {
    this.#over.abort()
    await Promise.allSettled(this.#following)
  }
}
