/**
 * The secrets that this agent itself holds, so that none of them leaves with its work: tokens as they
 * are given out, keys, what executors are passed. Values stay in this object; only who scans gets
 * their forms.
 */
import { createPrivateKey } from 'node:crypto'
import { bytesForms, formsOf } from './forms.ts'
import { HIDDEN, type Secret } from './secret.ts'

/** What is shorter is found in many a text by chance. */
const MIN_HELD = 8
/** Tokens of an App are renewed each hour; the oldest values are worthless by then. */
const MAX_HELD = 200
const MAX_SEED_BYTES = 64

export interface HeldForms {
  /** For people: "GitHub token". */
  what: string
  forms: readonly string[]
}

export interface HeldSecrets {
  /**
   * Remembers a value; again is no harm. Of a PEM key the lines and the raw key are remembered, too. At
   * most 200 values, the oldest go first. Values of fewer than 8 characters are left out.
   */
  add(what: string, value: Secret): void
  forms(): HeldForms[]
  /** The text with every form of every value replaced by "[secret]". */
  redact(text: string): string
}

export function createHeldSecrets(): HeldSecrets {
  const held = new Map<string, HeldForms>()
  let sorted: string[] | undefined

  function longestFirst(): readonly string[] {
    sorted ??= [...held.values()].flatMap(({ forms }) => forms).sort((a, b) => b.length - a.length)
    return sorted
  }

  function keep(what: string, value: string, forms: readonly string[]): void {
    sorted = undefined
    held.delete(value)
    held.set(value, { what, forms: [...new Set(forms)] })
    const oldest = held.keys().next().value
    if (held.size > MAX_HELD && oldest !== undefined) held.delete(oldest)
  }

  return {
    add(what, secret) {
      const value = secret.reveal().trim()
      if (value.length < MIN_HELD) return
      keep(what, value, value.includes('-----BEGIN ') ? pemForms(value) : formsOf(value))
    },
    forms: () => [...held.values()],
    redact: (text) => longestFirst().reduce((clean, form) => clean.replaceAll(form, HIDDEN), text),
  }
}

/** Whole lines of the body, since a key is rarely copied with its line ends, and the raw key. */
function pemForms(pem: string): string[] {
  const lines = pem
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line.length >= 40 && !line.includes('-----'))
  return [...formsOf(pem), ...lines, ...rawForms(pem)]
}

function rawForms(pem: string): string[] {
  try {
    const { d } = createPrivateKey(pem).export({ format: 'jwk' })
    const raw = Buffer.from(d ?? '', 'base64url')
    return raw.length === 0 || raw.length > MAX_SEED_BYTES ? [] : bytesForms(raw)
  } catch {
    return []
  }
}
