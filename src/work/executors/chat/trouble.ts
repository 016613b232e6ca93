/**
 * What can go wrong between us and a model, as one error whose kind says what to do about it:
 *
 *   quota         the account or the rate is exhausted; ask again at `retryAt`
 *   environment   this machine, its configuration or the server; the task is not to blame
 *   overflow      the conversation is longer than the model's context
 *   unsupported   a field of the request that this server does not know (`field`)
 *   broken        the answer broke off or is not of the protocol; the request may be repeated
 *   refused       the model or its filter does not want to
 *   failed        anything else
 */
import type { TurnResult } from '../../executor.ts'

export type TroubleKind =
  'quota' | 'environment' | 'overflow' | 'unsupported' | 'broken' | 'refused' | 'failed'

export interface TroubleOptions {
  /** Wall clock, ms since 1970. */
  retryAt?: number
  /** For `unsupported`. */
  field?: string
  /** What to type or change, one sentence. */
  next?: string
  cause?: unknown
}

export class ModelTrouble extends Error {
  readonly kind: TroubleKind
  readonly retryAt: number | undefined
  readonly field: string | undefined
  readonly next: string | undefined

  constructor(kind: TroubleKind, message: string, options: TroubleOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ModelTrouble'
    this.kind = kind
    this.retryAt = options.retryAt
    this.field = options.field
    this.next = options.next
  }
}

/** The outcome of a turn that ends by this trouble. */
export function outcomeOf(kind: TroubleKind): TurnResult['outcome'] {
  return kind === 'quota' || kind === 'environment' ? kind : 'failed'
}
