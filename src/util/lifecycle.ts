/**
 * Start and stop that may be called twice, at once, and half-way: the second start waits for the
 * first; stop waits for a start in progress and then undoes it; stop after stop does nothing.
 */
export interface Startable {
  start(): Promise<void>
  stop(): Promise<void>
}

type State =
  | { is: 'new' }
  | { is: 'starting'; done: Promise<void> }
  | { is: 'started' }
  | { is: 'stopping'; done: Promise<void> }
  | { is: 'stopped' }

export class Lifecycle implements Startable {
  #state: State = { is: 'new' }
  readonly #onStart: () => Promise<void>
  readonly #onStop: () => Promise<void>

  /** `onStop` must cope with a start that failed half-way: it is called then, too. */
  constructor(onStart: () => Promise<void>, onStop: () => Promise<void>) {
    this.#onStart = onStart
    this.#onStop = onStop
  }

  get running(): boolean {
    return this.#state.is === 'started'
  }

  async start(): Promise<void> {
    if (this.#state.is === 'started') return
    if (this.#state.is === 'starting') return this.#state.done
    if (this.#state.is === 'stopping') await this.#state.done.catch(() => undefined)
    const done = this.#onStart().then(
      () => {
        this.#state = { is: 'started' }
      },
      async (error: unknown) => {
        await this.#onStop().catch(() => undefined)
        this.#state = { is: 'stopped' }
        throw error
      },
    )
    this.#state = { is: 'starting', done }
    return done
  }

  async stop(): Promise<void> {
    if (this.#state.is === 'new' || this.#state.is === 'stopped') return
    if (this.#state.is === 'stopping') return this.#state.done
    if (this.#state.is === 'starting') await this.#state.done.catch(() => undefined)
    if ((this.#state as State).is === 'stopped') return
    const done = this.#onStop().finally(() => {
      this.#state = { is: 'stopped' }
    })
    this.#state = { is: 'stopping', done }
    return done
  }
}
