/**
 * Cuts secrets out of a text that is about to leave: also where they stand in base64 (of themselves
 * or within something longer, such as a basic-auth header), base64url, hex or percent-encoding.
 */
import { HIDDEN, type Secret } from './secret.ts'

/** Shorter encoded forms would match by chance. */
const MIN_ENCODED = 6

/**
 * `text` with every form of every secret replaced by "[secret]". A secret of fewer than 4
 * characters is left alone: it hides nothing and would shred the text.
 */
export function redact(text: string, secrets: Iterable<Secret>): string {
  const forms = new Set<string>()
  for (const secret of secrets) for (const form of formsOf(secret.reveal())) forms.add(form)
  const longestFirst = [...forms].sort((a, b) => b.length - a.length)
  return longestFirst.reduce((redacted, form) => redacted.replaceAll(form, HIDDEN), text)
}

function formsOf(value: string): string[] {
  if (value.length < 4) return []
  const hex = Buffer.from(value).toString('hex')
  const encoded = [
    ...base64Forms(value),
    hex,
    hex.toUpperCase(),
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
  ]
  return [value, ...encoded.filter((form) => form.length >= MIN_ENCODED)]
}

/**
 * What every base64 text that encodes `value` somewhere must contain. Base64 takes three bytes at a
 * time, so there are three ways to lie in it; of each, only the characters that no neighbouring byte
 * takes part in are sure.
 */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value)
  return [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes])
    const from = Math.ceil((before * 8) / 6)
    const to = Math.floor((padded.byteLength * 8) / 6)
    return [padded.toString('base64').slice(from, to), padded.toString('base64url').slice(from, to)]
  })
}
