/**
 * Coded errors: test the code, never the text.
 *
 * Every error that can reach a person carries what happened (`message`), data for programs
 * (`data`), and what to do next (`next`). Wrap lower errors with `cause`; log the chain once, at
 * the edge. Each capability derives one class in its `errors.ts` and lists its codes there.
 */
export interface CodedErrorOptions {
  /** Facts for programs and tests. Never secrets: it may be logged and sent to API clients. */
  data?: Record<string, unknown>
  /** One imperative sentence: what the reader should type or change. */
  next?: string
  cause?: unknown
}

export class CodedError<Code extends string = string> extends Error {
  readonly code: Code
  readonly data: Readonly<Record<string, unknown>>
  readonly next: string | undefined

  constructor(code: Code, message: string, options: CodedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.data = options.data ?? {}
    this.next = options.next
  }
}

/** True when `error`, or an error in its chain of causes, carries `code`. */
export function hasCode(error: unknown, code: string): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 16; at = at.cause, depth += 1) {
    if ((at as { code?: unknown }).code === code) return true
  }
  return false
}

/** One line for a log: the messages of the chain of causes, outermost first. */
export function explain(error: unknown): string {
  const parts: string[] = []
  for (let at = error, depth = 0; at !== undefined && at !== null && depth < 8; depth += 1) {
    const said = at instanceof Error ? at.message : String(at)
    if (said !== parts.at(-1)) parts.push(said)
    at = at instanceof Error ? at.cause : undefined
  }
  return parts.join(': ')
}

/** Codes of faults that any room may meet. */
export type CommonErrorCode = 'ABORTED' | 'DEADLINE' | 'QUEUE_FULL' | 'TOO_LARGE' | 'INVALID'

export class CommonError extends CodedError<CommonErrorCode> {}
