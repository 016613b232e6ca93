/**
 * A secret that does not print. Every way in which a value usually slips into a log, a template, a
 * JSON document or an error gives "[secret]"; only `reveal()`, which a reviewer can search for,
 * gives the value.
 */
import { inspect } from 'node:util'

export const HIDDEN = '[secret]'

export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value. Hand it on at once; never store, log or put it into an argument. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }

  [Symbol.toPrimitive](): string {
    return HIDDEN
  }

  [inspect.custom](): string {
    return HIDDEN
  }
}
