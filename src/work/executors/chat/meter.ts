/**
 * Counts what a run has used: tokens as the endpoint counts them, else estimated, and what they cost.
 * It also learns how many tokens an estimated one is worth here. Pure but for its state.
 */
import type { TurnResult } from '../../executor.ts'

export type Usage = NonNullable<TurnResult['usage']>

export interface Price {
  inputPerMillion: number
  outputPerMillion: number
}

/** One price for a million in dollars is the price of one in millionths of a dollar. */
export function costOf(input: number, output: number, price: Price): number {
  return Math.round(input * price.inputPerMillion + output * price.outputPerMillion)
}

export interface Counted {
  /** As the endpoint counted them; absent when it did not. */
  inputTokens?: number
  outputTokens?: number
  /** Ours, for when it did not. */
  estimatedInput: number
  estimatedOutput: number
}

export interface Meter {
  add(counted: Counted): void
  /** Of the whole run. */
  total(): Required<Pick<Usage, 'inputTokens' | 'outputTokens'>> & Usage
  /** Since `before`, which `total` gave. */
  since(before: Usage): Usage
  /** Real tokens for an estimated one. */
  readonly scale: number
}

const MIN_SCALE = 0.6
const MAX_SCALE = 4
/** Below so many tokens a count says little about the rest. */
const TELLING = 500

export function createMeter(price: Price | undefined): Meter {
  let input = 0
  let output = 0
  let scale = 1
  const cost = (i: number, o: number): Pick<Usage, 'costMicros'> =>
    price === undefined ? {} : { costMicros: costOf(i, o, price) }
  return {
    add({ inputTokens, outputTokens, estimatedInput, estimatedOutput }) {
      input += inputTokens ?? Math.ceil(estimatedInput * scale)
      output += outputTokens ?? estimatedOutput
      if (inputTokens === undefined || inputTokens < TELLING || estimatedInput <= 0) return
      // Far fewer than were sent: the endpoint leaves out what it has cached, or has cut the rest off.
      if (inputTokens / estimatedInput < MIN_SCALE) return
      scale = Math.min(MAX_SCALE, inputTokens / estimatedInput)
    },
    total: () => ({ inputTokens: input, outputTokens: output, ...cost(input, output) }),
    since: ({ inputTokens = 0, outputTokens = 0 }) => ({
      inputTokens: input - inputTokens,
      outputTokens: output - outputTokens,
      ...cost(input - inputTokens, output - outputTokens),
    }),
    get scale() {
      return scale
    },
  }
}
