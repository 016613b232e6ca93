/**
 * The forms in which a value turns up in a text: itself, base64 (alone or within something longer, such
 * as a basic-auth header), base64url, hex, percent-encoding, within JSON.
 */

/** Shorter encoded forms would match by chance. */
const MIN_ENCODED = 6
/** Shorter values hide nothing, and would be found everywhere. */
const MIN_VALUE = 4

/** Empty for a value of fewer than 4 characters. */
export function formsOf(value: string): string[] {
  if (value.length < MIN_VALUE) return []
  const encoded = [
    ...bytesForms(Buffer.from(value)),
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
  ]
  return [value, ...encoded.filter((form) => form.length >= MIN_ENCODED)]
}

/** Of bytes that are no text, such as a raw key. */
export function bytesForms(bytes: Uint8Array): string[] {
  const hex = Buffer.from(bytes).toString('hex')
  return [...base64Forms(bytes), hex, hex.toUpperCase()]
}

/**
 * What every base64 text that encodes the bytes somewhere must contain. Base64 takes three bytes at a
 * time, so there are three ways to lie in it; of each, only the characters that no neighbouring byte
 * takes part in are sure.
 */
function base64Forms(bytes: Uint8Array): string[] {
  return [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes])
    const from = Math.ceil((before * 8) / 6)
    const to = Math.floor((padded.byteLength * 8) / 6)
    return [padded.toString('base64').slice(from, to), padded.toString('base64url').slice(from, to)]
  })
}
