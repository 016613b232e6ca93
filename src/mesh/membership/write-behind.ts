/**
 * One file of the home that follows a state in memory. Saves that come while one is being written
 * share the next write, so that a hundred changes at once are two writes.
 */
import { explain } from '../../util/index.ts'
import { MeshError } from '../errors.ts'

export class WriteBehind {
  readonly #path: string
  readonly #write: () => Promise<void>
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #dirty = false

  /** `write` takes the state as it is when it is called. */
  constructor(path: string, write: () => Promise<void>) {
    this.#path = path
    this.#write = write
  }

  /** True when the last write failed. */
  get dirty(): boolean {
    return this.#dirty
  }

  /** On disk when it resolves. Errors: `MEMBERSHIP_UNWRITABLE`. */
  save(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#once()
      return this.#running
    }
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined
        return this.save()
      })
    return this.#next
  }

  /** Waits for what runs, and tries again what failed. Errors: `MEMBERSHIP_UNWRITABLE`. */
  async flush(): Promise<void> {
    const waiting = this.#next ?? this.#running
    if (waiting !== undefined) await waiting.catch(() => undefined)
    if (this.#dirty) await this.save()
  }

  async #once(): Promise<void> {
    try {
      await this.#write()
      this.#dirty = false
    } catch (cause) {
      this.#dirty = true
      throw new MeshError(
        'MEMBERSHIP_UNWRITABLE',
        `${this.#path} cannot be written: ${explain(cause)}`,
        {
          data: { path: this.#path },
          next: 'Make room on the disk, and make the home writable for this user.',
          cause,
        },
      )
    } finally {
      this.#running = undefined
    }
  }
}
