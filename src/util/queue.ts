/**
 * A bounded queue with one consumer, read as an async iterable. What does not fit is refused
 * (`push` returns false): the producer decides whether that is a drop, an error or back-pressure.
 */
export class BoundedQueue<T> implements AsyncIterable<T> {
  readonly #items: T[] = []
  readonly #limit: number
  #wake: (() => void) | undefined
  #closed = false
  #error: unknown

  /** `limit`: the most items that may wait. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#items.length
  }

  /** False when the queue is full or closed; the item is then not kept. */
  push(item: T): boolean {
    if (this.#closed || this.#items.length >= this.#limit) return false
    this.#items.push(item)
    this.#wake?.()
    return true
  }

  /** Ends the iteration after what waits; with an error, the iteration throws it then. */
  close(error?: unknown): void {
    if (this.#closed) return
    this.#closed = true
    this.#error = error
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    try {
      for (;;) {
        while (this.#items.length > 0) yield this.#items.shift() as T
        if (this.#closed) {
          if (this.#error !== undefined) throw this.#error
          return
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        this.#wake = undefined
      }
    } finally {
      this.close()
      this.#items.length = 0
    }
  }
}
